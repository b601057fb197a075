from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import zoo_world
from birthmark import BirthmarkError, Suspect
from birthmark.data.outputs import Kind
from birthmark.probes.cutmix import CutMix
from birthmark.probes.natural import Natural
from birthmark.zoo.answers import Recorded, read_answers
from birthmark.zoo.answers.numbers import packed
from birthmark.zoo.models.record import record_file
from birthmark.zoo.population import markdown, picture, population

pytest.importorskip("torch", reason="zoos need torch")

from birthmark.zoo.answers.pool import companions, ingredients, pool, stacked
from birthmark.zoo.answers.survey import answer_zoo
from birthmark.zoo.builder import build_zoo
from birthmark.zoo.models.store import built


@pytest.fixture(scope="module")
def file(objects: zoo_world.Zoo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("answers") / "digits.answers"
    answer_zoo(objects.folder, path)
    return path


@pytest.fixture(scope="module")
def recorded(file: Path) -> Recorded:
    return read_answers(file)


def test_recorded_answers_are_what_the_models_say(
    recorded: Recorded, objects: zoo_world.Zoo
) -> None:
    probes, left_out = pool(objects.plan, objects.folder)
    assert left_out == {}
    for record in recorded.records:
        model = built(objects.plan, objects.folder, record.name)
        for method, some in probes.items():
            said = model.answer(stacked(some, objects.plan))
            kept = recorded.outputs(record.name, method)
            assert (
                (kept.kind, kept.classes)
                == (said.kind, said.classes)
                == (
                    record.kind,
                    record.outputs,
                )
            )
            assert (kept.predicted() == said.predicted()).all()
            step = np.ptp(said.values) / (2**objects.plan.answers.bits - 1)
            assert np.abs(kept.values - said.values).max() < 4 * step


def test_answers_that_follow_from_others_are_not_stored(recorded: Recorded) -> None:
    assert "renamed/1" not in recorded.manifest.packed
    mine = recorded.outputs("renamed/1", "jpeg25").values
    theirs = recorded.outputs("labels-thief/0", "jpeg25").values
    assert not (mine == theirs).all()
    assert (np.sort(mine) == np.sort(theirs)).all()


def test_probes_are_labelled_where_they_can_be(recorded: Recorded) -> None:
    labels = recorded.labels("natural")
    said = recorded.outputs("victim", "natural").predicted()
    assert np.mean([a == b for a, b in zip(labels, said, strict=True)]) > 0.6
    assert set(recorded.labels("cutmix")) == {None}


def test_probes_that_cannot_be_made_are_left_out_and_told(
    objects: zoo_world.Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes = {"natural": 5, "cutmix": 5}
    recorded = objects.plan.answers.model_copy(update={"probes": probes})
    plan = objects.plan.model_copy(update={"answers": recorded})

    def refuse(*_: object, **__: object) -> None:
        raise BirthmarkError("the victim", "is not what it needs", "use another")

    monkeypatch.setattr(CutMix, "select", refuse)
    made = pool(plan, objects.folder)
    assert set(made.probes) == {"natural"}
    assert made.left_out == {"cutmix": "the victim: is not what it needs"}
    monkeypatch.setattr(Natural, "select", refuse)
    with pytest.raises(BirthmarkError, match="allows no probes"):
        pool(plan, objects.folder)


def test_companions_help_to_choose_probes(objects: zoo_world.Zoo, tmp_path: Path) -> None:
    folder = tmp_path / "zoo"
    shutil.copytree(objects.folder, folder)
    text = zoo_world.OBJECTS.replace("natural = 60", "sac-w = 4") + zoo_world.COMPANIONS
    plan = zoo_world.plan(text, tmp_path)
    assert set(pool(plan, folder).left_out) == {"sac-w"}
    records = build_zoo(plan, objects.data, folder).records
    helping = companions(plan, folder)
    assert [one.description.name for one in helping.surrogates] == ["surrogate/0", "surrogate/1"]
    assert [one.description.name for one in helping.outsiders] == ["outsider/0", "outsider/1"]
    probes = pool(plan, folder).probes["sac-w"]
    truth = [probe.label for probe in probes]

    def wrong(model: Suspect) -> int:
        return int((model.answer(probes).predicted() != truth).sum())

    assert wrong(ingredients(plan, folder).victim) == 4
    assert sum(map(wrong, helping.surrogates)) > sum(map(wrong, helping.outsiders))
    assert {row.group: row.role for row in population(plan, records)}["outsider"] == "companion"
    picture(plan, records, tmp_path / "p.png")


def test_the_same_zoo_gives_the_same_file(
    file: Path, objects: zoo_world.Zoo, tmp_path: Path
) -> None:
    answer_zoo(objects.folder, tmp_path / "again.answers", workers=2)
    assert (tmp_path / "again.answers").read_bytes() == file.read_bytes()


def test_embeddings_are_recorded_too(faces: zoo_world.Zoo, tmp_path: Path) -> None:
    answer_zoo(faces.folder, tmp_path / "faces.answers")
    recorded = read_answers(tmp_path / "faces.answers")
    assert recorded.outputs("victim", "jpeg25").kind is Kind.EMBEDDINGS
    assert recorded.outputs("transferred/0", "jpeg25").kind is Kind.LOGITS


def test_the_largest_answer_stays_the_largest() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((500, 10)).astype(np.float32)
    values[:, 1] = values[:, 0] + 1e-6
    values[0] = 1000
    numbers, _, _ = packed(values, 6)
    assert (numbers[1:].argmax(1) == values[1:].argmax(1)).all()
    assert numbers.max() <= 2**6


def test_answers_are_read_without_torch(file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from birthmark.zoo.answers import read_answers\n"
        f"read_answers(Path({str(file)!r})).outputs('renamed/1', 'natural')\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_models_and_probes_are_named(recorded: Recorded) -> None:
    with pytest.raises(BirthmarkError, match="'refrence/0': is not in this zoo"):
        recorded.outputs("refrence/0", "natural")
    with pytest.raises(BirthmarkError, match="choose from natural, jpeg25, cutmix"):
        recorded.outputs("victim", "jpeg7")


def test_broken_files_are_refused(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    broken = tmp_path / "broken.answers"
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        data = bytearray(whole)
        data[int(rng.integers(len(data)))] ^= int(rng.integers(1, 256))
        broken.write_bytes(data)
        try:
            read_answers(broken)
        except BirthmarkError:
            refused += 1
    assert refused > 190  # the rest hit bytes of the zip's own that nothing reads
    for part in (b"", b"PK", whole[: len(whole) // 2]):
        broken.write_bytes(part)
        with pytest.raises(BirthmarkError, match="is no answers file, or broken"):
            read_answers(broken)
    with pytest.raises(BirthmarkError, match="does not exist"):
        read_answers(tmp_path / "none.answers")


def test_files_of_later_formats_are_refused(file: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.answers"
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(later, "w") as target:
        for name in source.namelist():
            data = source.read(name).replace(b"birthmark-answers/1", b"birthmark-answers/9")
            target.writestr(name, data)
    with pytest.raises(BirthmarkError, match="birthmark-answers/1; update birthmark"):
        read_answers(later)


def test_an_unfinished_zoo_is_not_recorded(images: Path, tmp_path: Path) -> None:
    text = zoo_world.OBJECTS.replace("epochs = 8", "epochs = 0.2")
    build_zoo(zoo_world.plan(text, tmp_path), images, tmp_path / "zoo")
    record_file(tmp_path / "zoo", "labels-thief/0").unlink()
    with pytest.raises(
        BirthmarkError, match="1 of 11 models are not built, such as labels-thief/0"
    ):
        answer_zoo(tmp_path / "zoo", tmp_path / "x.answers")
    assert not (tmp_path / "x.answers").exists()


def test_the_population_is_summed_up(recorded: Recorded, tmp_path: Path) -> None:
    plan, records = recorded.manifest.plan, recorded.records
    rows = {row.group: row for row in population(plan, records)}
    assert rows["finetuned"].reached == 2
    assert rows["victim"].fidelity == (1, 1, 1)
    assert rows["transferred"].fidelity is None
    assert rows["reference"].models == 4
    text = markdown(plan, records, {"torch": "x"}, "the command")
    assert "Written by `the command`." in text
    assert "| finetuned | stolen | 2 |" in text
    for name in ("p.svg", "p.png"):
        picture(plan, records, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 5000
