from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import world
from birthmark import BirthmarkError, Fingerprint, ImageSet, as_suspect
from birthmark.bundle import Bundle, Manifest, ProbeRecord
from birthmark.data.images import Image
from birthmark.data.outputs import Outputs
from birthmark.evidence.recheck import Recheck, recheck
from birthmark.models.adapters.lookup import open_all
from birthmark.scores.methods import PLAIN


@pytest.fixture(scope="module")
def victim(built: world.World) -> Any:
    return as_suspect(built.folder / "victim.onnx", lineage="linear")


@pytest.fixture(scope="module")
def references(built: world.World) -> Any:
    return open_all([str(built.folder / "references")])


@pytest.fixture(scope="module")
def honest(victim: Any, references: Any) -> Bundle:
    return Fingerprint.enroll(victim, world.image_set(), references, n=50).bundle


def found(done: Recheck) -> dict[str, bool | None]:
    return {check.name: check.passed for check in done.checks}


def said(done: Recheck, name: str) -> str:
    return next(check.sentence for check in done.checks if check.name == name)


def with_manifest(bundle: Bundle, **fields: Any) -> Bundle:
    manifest = bundle.manifest.model_copy(update=fields)
    return dataclasses.replace(bundle, manifest=manifest)


def test_an_honest_one_passes(honest: Bundle, victim: Any, references: Any) -> None:
    done = recheck(honest, victim, world.image_set(), references)
    assert done.passed
    assert set(found(done).values()) == {True}
    assert said(done, "probes") == "All 50 are what the draw gives."
    assert "20 of 20 references were passed" in said(done, "references' answers")


def test_a_seed_of_public_words_is_shown_to_be_theirs(
    victim: Any, references: Any, honest: Bundle, tmp_path: Path
) -> None:
    words = "beacon of 2026-01-01: 4f1a"
    made = Fingerprint.enroll(victim, world.image_set(), references, n=20, seed_from=words)
    assert made.manifest.seed == int(hashlib.sha256(words.encode()).hexdigest()[:16], 16) >> 1
    made.save(tmp_path / "v.birthmark")
    again = Fingerprint.open(tmp_path / "v.birthmark")
    done = recheck(again.bundle, victim, world.image_set(), references)
    assert done.passed
    assert f"which comes from {words!r}" in said(done, "method")
    other = again.manifest.model_dump(mode="json") | {"seed": 1}
    with pytest.raises(ValidationError, match="the seed is not that of seed_from"):
        Manifest.model_validate(other)
    few = recheck(again.bundle, victim, world.image_set(), [])
    assert found(few)["references distinct"] is None
    assert "nobody can know how many were tried before" in said(
        recheck(honest, victim, world.image_set(), []), "method"
    )
    with pytest.raises(BirthmarkError, match="seed_from: is 'x'; pass one line of words, and no"):
        Fingerprint.enroll(victim, world.image_set(), references, seed=1, seed_from="x")


def test_one_model_saved_many_times_is_not_many_references(victim: Any, tmp_path: Path) -> None:
    """Other bytes each time, so each has a digest of its own."""
    for i in range(12):
        lineage = world.lineage_of(i)
        model = world.innocent(i % 2)
        model_file = tmp_path / lineage / f"{i}.onnx"
        world.write_onnx(model_file, model.coef_.T * (1 + i * 1e-6), model.intercept_)
    many = open_all([str(tmp_path)], world.DECLARED)
    assert len({one.description.digest for one in many}) == 12
    made = Fingerprint.enroll(
        as_suspect(victim._source, world.DECLARED, lineage="linear"),
        world.image_set(),
        many,
        n=50,
        start="random",
        method="sac-jc",
    )
    done = recheck(made.bundle, victim, world.image_set(), many)
    assert not done.passed
    assert said(done, "references distinct").startswith("10 of 12 answer as another one does")
    assert said(done, "models distinct") == (
        "Victim, companions and references are 13 different files."
    )


def test_references_of_chance_accuse_nobody(victim: Any) -> None:
    """Whatever is audited, a model that guesses says nothing about it; its controls tell."""
    rng = np.random.default_rng(0)
    junk = []
    for i in range(12):
        weights = rng.normal(size=(64, 10))
        model = world.answering(lambda x, w=weights: x.reshape(len(x), -1) @ w)  # type: ignore[misc]
        described = {"name": f"junk-{i}", "lineage": world.lineage_of(i)}
        model.description = model.description.model_copy(update=described)  # type: ignore[misc]
        junk.append(model)
    own = as_suspect(victim._source, world.DECLARED, lineage="linear")
    try:
        made = Fingerprint.enroll(own, world.image_set(), junk, n=20, start="random", method=PLAIN)
    except BirthmarkError as error:
        assert "chance" in str(error)
        return
    innocents = [world.as_digits(world.innocent(i), name=f"i{i}") for i in range(30, 34)]
    assert all(made.audit(one).verdict != "derived" for one in innocents)


def test_what_was_not_passed_is_not_checked(honest: Bundle, victim: Any, references: Any) -> None:
    none = recheck(honest, victim, world.image_set(), [])
    some = recheck(honest, victim, world.image_set(), [victim, *references[3:]])
    for done in (none, some):
        assert done.passed
        assert [name for name, passed in found(done).items() if passed is None] == [
            "references' answers"
        ]
    assert "17 of 20" in said(some, "references' answers")


def test_a_swapped_probe_is_noticed(honest: Bundle, victim: Any, references: Any) -> None:
    drawn = {probe.digest for probe in honest.probes}
    more = Fingerprint.enroll(victim, world.image_set(), references[:1], n=60, method="sac-jc")
    other = next(probe for probe in more.probes if probe.digest not in drawn)
    swapped = [Image(other.data, "00005.jpg", other.label)]
    probes = [*honest.probes[:5], *swapped, *honest.probes[6:]]
    records = [
        ProbeRecord(file=one.name, digest=one.digest, pixels=one.pixel_digest, label=one.label)
        for one in probes
    ]
    bundle = Bundle(
        honest.manifest.model_copy(update={"probes": records}),
        probes,
        victim.answer(probes),
        [one.answer(probes) for one in references],
    )
    done = recheck(bundle, victim, world.image_set(), references)
    assert [name for name, passed in found(done).items() if passed is False] == ["probes"]
    assert "1 of 50 are not what the draw gives, the first being 00005.jpg" in said(done, "probes")
    assert not done.passed


def test_another_seed_is_noticed(honest: Bundle, victim: Any) -> None:
    done = recheck(with_manifest(honest, seed=1), victim, world.image_set(), [])
    assert found(done)["probes"] is False


def test_altered_answers_are_noticed(honest: Bundle, victim: Any, references: Any) -> None:
    def altered(answers: Outputs) -> Outputs:
        values = answers.values.copy()
        values[7, 3] += np.float32(0.5)
        return Outputs(values, answers.kind, answers.classes)

    own = dataclasses.replace(honest, victim=altered(honest.victim))
    done = recheck(own, victim, world.image_set(), references)
    assert [name for name, passed in found(done).items() if passed is False] == ["victim's answers"]
    assert "The largest difference is 0.5" in said(done, "victim's answers")

    others = [*honest.references[:2], altered(honest.references[2]), *honest.references[3:]]
    done = recheck(
        dataclasses.replace(honest, references=others), victim, world.image_set(), references
    )
    assert found(done)["references' answers"] is False
    assert "1 answer differently, the first being lda/10.onnx" in said(done, "references' answers")


def test_another_image_set_is_noticed(honest: Bundle, victim: Any) -> None:
    images, labels = world.pictures()
    more = ImageSet.from_arrays(images[1000:1401], labels[1000:1401], source="digits")
    done = recheck(honest, victim, more, [])
    assert found(done)["image set"] is False
    assert found(done)["probes"] is False
    assert "401 images" in said(done, "image set")


def test_another_victim_is_noticed(honest: Bundle, built: world.World) -> None:
    done = recheck(honest, as_suspect(built.folder / "suspect.onnx"), world.image_set(), [])
    checks = found(done)
    assert not any(checks[name] for name in ("victim", "probes", "victim's answers"))


def test_models_that_are_there_twice_are_noticed(honest: Bundle, victim: Any) -> None:
    described = honest.manifest.references
    twice = [honest.manifest.victim, *described[1:]]
    done = recheck(with_manifest(honest, references=twice), victim, world.image_set(), [])
    assert found(done)["models distinct"] is False


def test_an_unknown_method_and_models_without_a_file(honest: Bundle, victim: Any) -> None:
    done = recheck(with_manifest(honest, method="new@jpeg25"), victim, world.image_set(), [])
    assert (found(done)["method"], found(done)["probes"]) == (False, None)

    bundle = world.fingerprint_of_digits(n=20).bundle
    own = world.as_digits(world.victim(), name="victim")
    checks = found(recheck(bundle, own, world.image_set(), []))
    assert checks["victim"] is checks["models distinct"] is None
    assert checks["probes"] and checks["victim's answers"]


def test_a_forged_population_is_noticed(victim: Any, references: Any, built: world.World) -> None:
    """Each of its numbers: one of them alone decides whether the references fit."""
    other = as_suspect(built.folder / "other.onnx")
    bundle = Fingerprint.enroll(
        victim,
        world.image_set(),
        references,
        n=10,
        method="partial0.03@peculiar300-jpeg25",
        outsiders=[other],
    ).bundle
    record = bundle.manifest.population
    assert record is not None
    assert record.fit is not None
    sources = (victim, world.image_set(), [other, *references])
    done = recheck(bundle, *sources)
    assert found(done)["population"]
    assert "on 200 images comes out as recorded" in said(done, "population")
    forged: list[dict[str, Any]] = [
        {"fit": record.fit.model_copy(update={name: value * 1.3 + 0.05})}
        for name, value in record.fit.model_dump().items()
    ]
    forged += [{"victim": 0.5}, {"images": 199}, {"references": [0.5, *record.references[1:]]}]
    for fields in forged:
        stated = with_manifest(bundle, population=record.model_copy(update=fields))
        assert found(recheck(stated, *sources))["population"] is False, fields
    some = recheck(bundle, victim, world.image_set(), [other, *references[1:]])
    assert found(some)["population"] is None


def test_companions_are_found_by_their_digests(
    victim: Any, references: Any, built: world.World
) -> None:
    helping = open_all([str(built.folder / name) for name in ("suspect.onnx", "other.onnx")])
    bundle = Fingerprint.enroll(
        victim,
        world.image_set(),
        references,
        n=10,
        method="sac-w",
        surrogates=helping[:1],
        outsiders=helping[1:],
    ).bundle
    done = recheck(bundle, victim, world.image_set(), [*helping, *references])
    checks = found(done)
    assert checks.pop("references distinct") is None
    assert set(checks.values()) == {True}
    done = recheck(bundle, victim, world.image_set(), [*helping[:1], *references])
    assert found(done)["probes"] is None
    assert (
        "1 models that helped to choose them were not passed, the first being other.onnx"
        in said(done, "probes")
    )


def test_controls_that_the_accuser_did_not_choose(
    honest: Bundle, victim: Any, references: Any, tmp_path: Path
) -> None:
    strangers = [
        as_suspect(world.export(world.trained(part), tmp_path / f"{i}.onnx"), world.DECLARED)
        for i, part in enumerate(slice(low, low + 300) for low in range(225, 375, 20))
    ]
    own = [victim, *references, strangers[0]]
    done = recheck(honest, victim, world.image_set(), [], [*own, *strangers])
    assert found(done)["controls"]
    assert "Of 8 models" in said(done, "controls")
    copies = [
        as_suspect(
            world.export(world.copied(slice(low, 800)), tmp_path / f"{low}.onnx"), world.DECLARED
        )
        for low in (200, 220, 240, 260)
    ]
    done = recheck(honest, victim, world.image_set(), [], copies)
    assert found(done)["controls"] is False
    assert "4 have p <= 0.05" in said(done, "controls")
    assert not done.passed
    few = recheck(honest, victim, world.image_set(), [], copies, alpha=0.01)
    assert found(few)["controls"] is False
    assert found(recheck(honest, victim, world.image_set(), [], own[:2]))["controls"] is None
