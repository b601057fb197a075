"""Audits of APIs from the command line, over loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import api_world
import world
from api_world import FORMS, Api, form
from birthmark.evidence import read_evidence, verify
from birthmark.evidence.folder import read_result, sign_audit
from birthmark.evidence.keys import new_key
from commands import Done, run

TEMPLATE = ["--suspect", "digits.api.toml"]


def audit(*arguments: str, code: int = 0) -> Done:
    return run("audit", "v.birthmark", *arguments, code=code)


def result(*arguments: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(audit(*arguments, "--json").stdout)
    return said


@pytest.fixture(scope="module")
def server() -> Iterator[Api]:
    with api_world.serving(world.thief()) as server:
        yield server


AS_NUMBERS_AGAIN = 8
"""Four probes are asked again, at once and at the end."""
AGAIN = AS_NUMBERS_AGAIN + 4
"""And as PNG, where files are sent."""


@pytest.fixture
def api(server: Api, files: Path, sealed: Path) -> Api:
    """A thief behind an API, and a fingerprint of the victim in the current folder."""
    (files / "v.birthmark").write_bytes(sealed.read_bytes())
    path, text = FORMS["multipart, logits"]
    form(files, server.url + path, text)
    server.posts.clear()
    return server


def test_an_api_is_judged_as_its_file_is(api: Api) -> None:
    of_file = result("--suspect", "suspect.onnx", "--out", "a")
    by_form = result(*TEMPLATE, "--out", "b")
    by_numbers = result("--suspect", f"{api.url}/v2/models/digits", "--out", "c", *world.DECLARING)
    for one in (by_form, by_numbers):
        for field in ("verdict", "as_close", "lineages", "controls", "queries"):
            assert one[field] == of_file[field]
        assert one["p_value"] == pytest.approx(of_file["p_value"], rel=1e-3)
        assert one["score"] == pytest.approx(of_file["score"], abs=1e-4)
    assert by_form["suspect"]["name"] == f"{api.url[7:]}/form"
    assert by_form["suspect"]["adapter"] == "template"
    queries = of_file["queries"]
    assert len(api.posts) == 2 * queries + AGAIN + AS_NUMBERS_AGAIN


def test_a_dry_run_a_limit_and_going_on(api: Api, files: Path) -> None:
    (files / "out").mkdir()
    (files / "out" / "filled").touch()
    limits = ["--price", "0.01", "--rate", "1000", "--max-calls", "15"]
    said = audit(*TEMPLATE, "--out", "out", "--dry-run", *limits).stdout
    assert "Would send 52 calls; out.ledger holds 0 answers." in said
    assert "Cost: 0.52 if every call succeeds" in said
    assert "The limit on calls or cost is too low to ask everything." in said
    assert said.endswith("Nothing was sent.\n")
    assert not api.posts
    assert not (files / "out.ledger").exists()

    failed = audit(*TEMPLATE, "--out", "new", *limits, code=2)
    assert "would take more than 15 calls" in failed.stderr
    assert failed.stderr.count("kept in") == 1
    assert len(api.posts) == 15
    assert not (files / "new").exists()
    again = ["--out", "new", "--price", "0.01"]
    plan = json.loads(audit(*TEMPLATE, *again, "--dry-run", "--json").stdout)
    assert (plan["calls"], plan["known"], plan["enough"]) == (37, 15, True)
    done = audit(*TEMPLATE, *again).stdout
    assert "Sent 52 calls in all, counting earlier runs, at a cost of 0.52. The answers" in done
    assert "kept in new.ledger" in done
    (files / "copy.ledger").write_bytes((files / "new.ledger").read_bytes())
    copied = audit(*TEMPLATE, "--out", "copied", "--ledger", "copy.ledger", "--dry-run").stdout
    assert "Would send 0 calls; copy.ledger holds 52 answers." in copied
    assert "12 of them are repeats" in copied
    assert len(api.posts) == 40 + AGAIN
    audit(*TEMPLATE, "--out", "third", "--ledger", "new.ledger")
    assert len(api.posts) == 40 + AGAIN
    audited = read_result(files / "new" / "result.json")
    assert audited.ledger is not None
    assert audited.ledger.calls == 52
    new_key(files / "k")
    file, _ = sign_audit(files / "new", files / "v.birthmark", str(files / "k"))
    evidence = read_evidence(file)
    assert verify(evidence, "evidence", ledger=files / "new.ledger").passed
    other = verify(evidence, "evidence", ledger=files / "birthmark.toml").checks[-1]
    assert (other.name, other.passed) == ("ledger", False)
    audit(*TEMPLATE, "--out", "fourth", "--ledger", "new.ledger", "--repeats", "6")
    since = verify(evidence, "evidence", ledger=files / "new.ledger").checks[-1]
    assert "asked again since" in since.sentence


def test_answers_outlast_a_report_that_cannot_be_written(
    api: Api, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("birthmark.report.folder.write_audit", full)
        failed = audit(*TEMPLATE, "--out", "out", code=1)
    assert (
        "the answers so far are kept in out.ledger, and the same command continues" in failed.stderr
    )
    assert len(api.posts) == 40 + AGAIN
    audit(*TEMPLATE, "--out", "out")
    assert len(api.posts) == 40 + AGAIN
    assert (files / "out" / "report.html").exists()


def test_limits_of_the_file_are_defaults(api: Api, files: Path) -> None:
    file = files / "digits.api.toml"
    file.write_text(file.read_text() + "\n[limits]\nprice = 0.5\nmax_cost = 2\n")
    plan = ["--out", "out", "--dry-run", "--json"]
    stated = json.loads(audit(*TEMPLATE, *plan).stdout)
    assert (stated["cost"], stated["enough"]) == (26, False)
    won = json.loads(audit(*TEMPLATE, *plan, "--max-cost", "30", "--price", "0.1").stdout)
    assert (won["cost"], won["enough"]) == (pytest.approx(5.2), True)
    assert not api.posts


FREE = {
    "alpha": ([*TEMPLATE, "--rule", "rank"], "no query was sent"),
    "kinds": ([*TEMPLATE], "embeddings"),
    "out": ([*TEMPLATE, "--out", "images"], "images: is not empty"),
    "no API": (["--suspect", "suspect.onnx", "--max-calls", "3"], "--max-calls: is for a model"),
    "dry": (["--suspect", "suspect.onnx", "--dry-run"], "--dry-run: is for a model behind an API"),
    "no price": ([*TEMPLATE, "--max-cost", "3"], "is set without a price"),
    "concurrency": ([*TEMPLATE, "--concurrency", "0"], "concurrency: is 0; pass 1 to 32"),
    "ledger": ([*TEMPLATE, "--ledger", "birthmark.toml"], "birthmark.toml: is not an SQLite file"),
    "secret": ([*TEMPLATE], "would send your environment variable HOME to 127.0.0.1:"),
    "no calls": ([*TEMPLATE, "--allow-env", "HOME", "--max-calls", "0"], "0 calls"),
    "no template": (["--suspect", "no.api.toml"], "no.api.toml: does not exist"),
}


@pytest.mark.parametrize("case", FREE)
def test_what_can_be_known_is_known_before_a_call(case: str, api: Api, files: Path) -> None:
    arguments, said = FREE[case]
    if case == "kinds":
        file = files / "digits.api.toml"
        file.write_text(file.read_text().replace('"logits"', '"embeddings"'))
    if case in ("secret", "no calls"):
        file = files / "digits.api.toml"
        file.write_text(file.read_text() + '\n[headers]\nX-Key = "${HOME}"\n')
    failed = audit("--out", "out", *arguments, code=2)
    assert said in failed.stderr
    assert failed.stderr.count("\n") == 1
    assert not api.posts


def test_a_fingerprint_of_a_model_behind_an_api(api: Api, files: Path) -> None:
    enroll = ["enroll", "--model", "digits.api.toml", "--lineage", "linear", "--images", "images"]
    enroll += ["--references", "references", "-n", "20", "--out", "w.birthmark"]
    run(*enroll)
    assert len(api.posts) == 20
    assert (files / "w.ledger").exists()
    run(*enroll, "--force")
    assert len(api.posts) == 20
