"""Many suspects: each once, whatever happens in between, and the same however they are run."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from joblib.externals.loky import get_reusable_executor

import commands
import world
from birthmark import BirthmarkError, Fingerprint
from birthmark.audit.answers import read_answers
from birthmark.comparison import Comparison, compare
from birthmark.comparison.against import Against
from birthmark.comparison.scan import FOUND, Scanned, scan
from birthmark.comparison.suspects import open_suspects
from birthmark.registry import Near, Registry

OWN = """
import os
from pathlib import Path

import numpy as np


def answer(x):
    return x.reshape(len(x), -1)[:, :10]


def deadly(x):
    with Path("deaths").open("a") as file:
        file.write("x")
    os.kill(os.getpid(), 9)


def once(x):
    if not Path("died").exists():
        Path("died").touch()
        os.kill(os.getpid(), 9)
    return answer(x)


def broken(x):
    raise RuntimeError("out of luck")
"""


@pytest.fixture
def there(files: Path, sealed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The world's files, a fingerprint, and functions; workers of earlier tests are elsewhere."""
    get_reusable_executor().shutdown(wait=True, kill_workers=True)
    shutil.copy(sealed, files / "v.birthmark")
    (files / "own.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(files))
    return files


def scanned(*suspects: str, out: str = "out", engine: str = "joblib", workers: int = 1) -> Scanned:
    return scan(
        Against.of(0.01, ["v.birthmark"], None),
        suspects,
        Path(out),
        declared=world.DECLARED,
        workers=workers,
        engine=engine,
    )


def content(folder: Path) -> dict[str, object]:
    """Of answers what they say: their bytes come in any order."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        if file.suffix != ".safetensors"
        else read_answers(file.read_bytes(), "answers").given.outputs.digest
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.mark.parametrize(("engine", "workers"), [("joblib", 2), ("ray", 2)])
def test_results_are_those_of_compare_whatever_the_workers(
    there: Path, engine: str, workers: int
) -> None:
    if engine == "ray":
        pytest.importorskip("ray")
    suspects = ["suspect.onnx", "other.onnx", "references/lda"]
    one = scanned(*suspects)
    many = scanned(*suspects, out="many", engine=engine, workers=workers)
    assert content(there / "out") == content(there / "many")
    assert one.compared == many.compared == 7
    models = open_suspects(suspects, world.DECLARED)
    plain = compare({"v": Fingerprint.open("v.birthmark")}, models)
    assert {(row.p_value, row.score) for row in one.comparison.rows} == {
        (row.p_value, row.score) for row in plain.rows
    }
    derived = [row.suspect for row in one.comparison.rows if row.verdict == "derived"]
    assert derived == ["suspect.onnx"]


def test_it_goes_on_where_it_was_and_lists_what_failed(there: Path) -> None:
    (there / "broken.onnx").write_bytes(b"no")
    first = scanned("suspect.onnx", "broken.onnx")
    assert (first.compared, first.known, list(first.failed)) == (1, 0, ["broken.onnx"])
    assert first.failed["broken.onnx"].startswith("broken.onnx: is not a readable")
    before = (there / "out" / "suspects").stat().st_mtime_ns
    world.export(world.innocent(26), there / "broken.onnx")
    second = scanned("suspect.onnx", "broken.onnx", "other.onnx")
    assert (second.compared, second.known, second.failed) == (2, 1, {})
    assert (there / "out" / "suspects").stat().st_mtime_ns > before
    with (there / "out" / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["suspect"] for row in rows] == ["suspect.onnx", "broken.onnx", "other.onnx"]
    world.export(world.innocent(27), there / "other.onnx")
    assert scanned("suspect.onnx", "other.onnx").compared == 1
    with pytest.raises(BirthmarkError, match="started with other fingerprints"):
        scan(Against.of(0.02, ["v.birthmark"], None), ["other.onnx"], Path("out"))
    (audit,) = (there / "out" / "suspects").glob("suspect*/00-v")
    assert json.loads((audit / "result.json").read_text())["verdict"] == "derived"


def test_a_worker_that_dies_costs_a_second_try_and_no_result(there: Path) -> None:
    once = scanned("own:once", "suspect.onnx", "other.onnx", workers=2)
    assert (once.compared, once.failed) == (3, {})
    suspects = ["own:deadly", "own:broken", "suspect.onnx", "other.onnx"]
    got = scanned(*suspects, out="deadly", workers=2)
    assert (there / "deaths").read_text() == "xx"
    assert set(got.failed) == {"own:deadly", "own:broken"}
    assert "died, twice" in got.failed["own:deadly"]
    assert "out of luck" in got.failed["own:broken"]
    assert [row.suspect for row in got.comparison.rows] == suspects
    assert len(list((there / "deadly" / "suspects").glob(f"*/{FOUND}"))) == 2
    assert not list((there / "deadly" / "begun").iterdir())


def test_a_registrys_nearest_are_audited_and_the_look_is_paid_for(there: Path) -> None:
    references = world.references(8)
    registry = Registry.new(there / "R", world.image_set(), n=40)
    for i in range(12):
        model = world.victim() if i == 0 else world.innocent(40 + i, world.lineage_of(i))
        owned = world.as_digits(model, name=f"owned-{i}", lineage=world.lineage_of(i))
        Fingerprint.enroll(owned, world.image_set(), references, n=20, start="random").save(
            f"o{i}.birthmark"
        )
        registry.add(f"o{i}.birthmark", owned)
    said = commands.run(
        "compare", "suspect.onnx", "other.onnx", "--registry", "R", "--out", "found"
    )
    assert "0.01 / 12 = 0.00083" in said.stdout
    table = json.loads((there / "found" / "table.json").read_text())
    derived = [row for row in table["rows"] if row["verdict"] == "derived"]
    assert {(row["suspect"], row["victim"]) for row in derived} == {("suspect.onnx", "owned-0")}
    assert len(table["rows"]) == 20
    Fingerprint.enroll(owned, world.image_set(300), references, n=20, start="random").save(
        "more.birthmark"
    )
    Registry.open(there / "R").add("more.birthmark", owned)
    again = commands.run("compare", "other.onnx", "--registry", "R", "--out", "found", code=2)
    assert "another state of the registry" in again.stderr


@pytest.mark.parametrize(
    ("models", "chance", "level"),
    [
        (None, 1.0, 0.01),
        (12, 1 / 13, 0.01 / 12),
        (397, 1 / 199, 0.01 / 397),
        (398, 1 / 200, 0.01),
        (398, 2 / 200, 0.005 / 398),
        (10**6, 2 / 500, 0.01),
        (10**6, 3 / 500, 5e-9),
    ],
)
def test_a_verdict_takes_less_where_the_search_itself_says_little(
    models: int | None, chance: float, level: float
) -> None:
    against = Against(0.01, models=models)
    candidate = None if models is None else Near("a", 0.5, chance)
    assert against.level(candidate) == pytest.approx(level)
    if models is not None:
        said = Comparison(alpha=0.01, rows=[], maps=[], registry=models).sentence
        assert ("to any other" in said) == (models >= 398)


def test_options_that_need_one_another_say_so(there: Path) -> None:
    for options, said in (
        (["--workers", "2"], "--out"),
        (["--out", "x", "--csv", "t.csv"], "drop --csv"),
        (["--out", "x", "--registry", "R"], "add them to it"),
        (["--out", "x", "--alpha", "2", "suspect.onnx"], "is 2.0"),
        (["--alpha", "nan", "suspect.onnx"], "is nan"),
        (["--out", "x", "--workers", "2", "http://a/v2/models/m"], "one worker"),
    ):
        assert said in commands.run("compare", "v.birthmark", *options, code=2).stderr
    assert not (there / "x").exists()


@pytest.mark.usefixtures("there")
def test_a_workers_messages_name_options_as_the_commands_do() -> None:
    suspects = ["own:answer", "suspect.onnx", "--out", "x", "--workers", "2"]
    said = commands.run("compare", "v.birthmark", *suspects).stdout
    assert "Not compared: own:answer" in said
    assert "pass --input" in said
