"""References that can't support an accusation, and what is said of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import world
from birthmark import BirthmarkError, Fingerprint, ImageSet, Suspect, Verdict
from birthmark.audit.findings import of_fingerprint
from birthmark.enrolment.enrolment import left_out
from birthmark.enrolment.population import population
from birthmark.evidence.recheck import recheck
from birthmark.models.adapters.lookup import as_suspect, open_all
from birthmark.probes import Companions
from commands import run

THIEF = world.as_digits(world.thief(), name="thief")


def enrolled(references: Sequence[Suspect], victim: Any = None, **options: Any) -> Fingerprint:
    own = world.as_digits(victim or world.victim(), name="victim", lineage="linear")
    images = options.pop("images", world.image_set())
    fields: dict[str, Any] = {"n": 100, "start": "random"}
    return Fingerprint.enroll(own, images, references, **fields | options)


def forbidding(made: Fingerprint) -> list[str]:
    """What an audit of a thief says against a verdict; by the same, none is `derived`."""
    said = [one.text for one in of_fingerprint(made.bundle)]
    result = made.audit(THIEF)
    assert set(said) <= set(result.findings)
    assert (result.verdict is Verdict.DERIVED) == (not said)
    return said


def named(lineages: Sequence[str]) -> list[Suspect]:
    return [
        world.as_digits(world.innocent(i, world.lineage_of(i)), name=f"{i}", lineage=lineage)
        for i, lineage in enumerate(lineages)
    ]


PLAIN = [world.lineage_of(i) for i in range(20)]


def test_the_victim_itself_is_no_reference() -> None:
    """Resaved with a little noise, its digest is another."""
    again = copy.deepcopy(world.victim())
    again.coef_ = again.coef_ * (1 + np.random.default_rng(0).normal(0, 1e-3, again.coef_.shape))
    with pytest.raises(BirthmarkError, match="own: answers exactly as your model does"):
        enrolled([*named(PLAIN), world.as_digits(again, name="own", lineage="linear")])


@pytest.mark.parametrize(
    ("start", "sharing", "said"),
    [
        (None, 0, "Nothing says what the victim's training started from."),
        ("random", 0, None),
        ("random", 3, None),
        (
            "imagenet",
            0,
            "The victim started from imagenet, and so did 0 references. At least 4 must",
        ),
        ("imagenet", 3, "and so did 3 references"),
        ("imagenet", 4, None),
        ("other", 4, "The victim started from other, and so did 0 references"),
    ],
)
def test_an_accusation_takes_references_that_began_where_the_victim_did(
    start: str | None, sharing: int, said: str | None
) -> None:
    lineages = [f"{one}@imagenet" if i < sharing else one for i, one in enumerate(PLAIN)]
    found = forbidding(enrolled(named(lineages), start=start, n=40))
    assert len(found) == (said is not None)
    assert all((said or "") in one for one in found)


def test_references_of_the_start_that_were_trained_less_can_not_speak_for_it() -> None:
    others = named(PLAIN)[4:]
    for size, said in ((200, 0), (40, 1)):
        own = []
        for i in range(4):
            lineage = world.lineage_of(i)
            model = world.innocent(i, lineage, size)
            own.append(world.as_digits(model, name=f"own/{i}", lineage=f"{lineage}@imagenet"))
        found = forbidding(enrolled([*own, *others], start="imagenet"))
        assert len(found) == said, found
        assert all("started from imagenet, own/1" in one for one in found)


@pytest.mark.parametrize("start", ["", "a@b", "x" * 201, "two\nlines"])
def test_a_start_that_no_lineage_can_name_is_refused(start: str) -> None:
    with pytest.raises(BirthmarkError, match="start"):
        enrolled(named(PLAIN[:2]), start=start)


def test_a_start_that_the_victims_own_lineage_contradicts_is_refused() -> None:
    own = world.as_digits(world.victim(), lineage="linear@public")
    for start in ("random", "imagenet"):
        with pytest.raises(BirthmarkError, match=f"start: is {start}, .* started from public"):
            Fingerprint.enroll(own, world.image_set(), named(PLAIN), start=start)


def noisy(i: int) -> Suspect:
    """An innocent whose answers are mostly its own noise, the same for the same image."""
    model = world.innocent(i, world.lineage_of(i))

    def answer(inputs: Any) -> Any:
        own = model.decision_function(inputs.reshape(len(inputs), -1))
        seeds = (np.abs(inputs).sum(axis=(1, 2, 3)) * 1e4).astype(int) * 100 + i
        noise = np.stack([np.random.default_rng(seed).normal(size=10) for seed in seeds])
        return own / own.std() + 1.5 * noise

    return world.as_digits(answer, name=f"noisy-{i}", lineage=world.lineage_of(i))


def test_noisy_references_do_not_fit_the_victim() -> None:
    images, _ = world.pictures()
    unlabelled = ImageSet.from_arrays(images[1000:1400])
    made = enrolled([noisy(i) for i in range(8)], images=unlabelled)
    said = forbidding(made)
    assert "The references do not fit your model: it" in said[0]
    assert "birthmark references" in said[0]


def test_references_trained_on_other_images_than_the_victim_do_not_fit_it() -> None:
    """The victim tells upside-down digits; its references, alike, have learnt upright ones."""
    images, labels = world.pictures()
    turned = world.LINEAGES["linear"]().fit(world.flat(images[:200, ::-1]), labels[:200])
    made = enrolled(world.references(20), turned)
    said = forbidding(made)
    assert "is unlike the references" in said[0]
    record = population(made.bundle)
    assert record is not None
    assert record.fit is not None
    assert not record.fit.fits


def test_a_suspect_unlike_the_references_is_called_nothing(fingerprint: Any) -> None:
    """Its own misfit forbids both verdicts, though nobody is as far."""
    images, labels = world.pictures()
    turned = world.LINEAGES["linear"]().fit(world.flat(images[:200, ::-1]), labels[:200])
    result = fingerprint.audit(world.as_digits(turned, name="turned"), independent_above=0.01)
    assert result.p_value > 0.01
    assert result.population is not None
    assert not result.population.fits
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "it can be called neither derived nor independent" in result.findings[-1]


def weak(i: int) -> Suspect:
    """Trained on a dozen images."""
    model = world.innocent(i, size=12)
    return world.as_digits(model, name=f"weak-{i}", lineage=world.lineage_of(i))


@pytest.mark.parametrize(("count", "forbidden"), [(10, False), (11, True)])
def test_references_far_weaker_than_the_victim_forbid_an_accusation(
    count: int, forbidden: bool
) -> None:
    """Half of them may be."""
    made = enrolled([weak(i) for i in range(count)] + world.references(20)[count:])
    said = [one.text for one in of_fingerprint(made.bundle)]
    assert set(said) <= set(made.audit(THIEF).findings)
    weaker = [one for one in said if "Most references are far weaker than the victim" in one]
    assert bool(weaker) == forbidden
    if forbidden:
        assert ": weak-0, weak-1, weak-2, weak-3, weak-4 and 6 more." in weaker[0]


def test_labels_of_triggers_say_nothing_of_strength() -> None:
    """The victim answers them as it was taught, and nobody else does."""
    made = enrolled(world.references(20), method="agreement@triggered3-8-0", n=36)
    record = population(made.bundle)
    assert record is not None
    assert (record.victim, record.references) == (None, [])


def test_a_victim_far_weaker_than_its_references_can_accuse_nobody() -> None:
    victim = world.trained(slice(0, 12))
    assert any(
        "Most references are far better than the victim" in said
        for said in forbidding(enrolled(world.references(20), victim))
    )


PECULIAR = "partial0.03@peculiar300-jpeg25"
OUTSIDERS = Companions([], [world.as_digits(world.innocent(i)) for i in (50, 51, 52, 53)])


def test_who_is_judged_by_images_that_nobodys_answers_chose() -> None:
    """Right on few of the peculiar probes, which outsiders answer otherwise: no guesser yet."""
    made = enrolled(world.references(20), method=PECULIAR, outsiders=OUTSIDERS.outsiders, n=40)
    record = made.manifest.population
    assert record is not None
    assert record.images == 200
    assert record.victim is not None
    assert record.victim > 0.8
    assert len(record.references) == 20
    assert forbidding(made) == []


def guesser(i: int) -> Suspect:
    rng = np.random.default_rng(i)
    return world.as_digits(lambda x: rng.normal(size=(len(x), 10)), name=f"g{i}", lineage="a")


@pytest.mark.parametrize(
    "options", [{"method": PECULIAR, "outsiders": OUTSIDERS.outsiders, "n": 40}, {}]
)
def test_references_that_guess_are_left_out_unless_most_do(options: dict[str, Any]) -> None:
    whole = enrolled(world.references(6), **options)
    passed = [guesser(0), *world.references(6), guesser(1)]
    made = enrolled(passed, **options)
    assert left_out(passed, made.manifest) == ["g0", "g1"]
    assert made.manifest == whole.manifest
    assert population(made.bundle) == population(whole.bundle)

    most = [*world.references(2), guesser(0), guesser(1), guesser(2)]
    with pytest.raises(
        BirthmarkError, match=r"g0: does no better than chance on labelled images.*so do 2"
    ):
        enrolled(most, **options)
    blind = np.random.default_rng(0)
    with pytest.raises(
        BirthmarkError, match="victim: does no better than chance on labelled images"
    ):
        enrolled(passed, lambda x: blind.normal(size=(len(x), 10)), **options)


def test_recorded_models_cannot_be_compared_on_other_images(tmp_path: Path) -> None:
    references = world.references(20)
    made = enrolled(references, method="sac-source", n=30)
    file = tmp_path / "recorded.npz"
    values = references[0].answer(made.probes).values
    np.savez(file, values=values, kind="logits")
    with pytest.raises(BirthmarkError, match="does not say which image each answer belongs to"):
        enrolled([as_suspect(file), *references[1:]], method="sac-source", n=30)
    names = [probe.name for probe in made.probes]
    np.savez(file, values=values, kind="logits", probes=names)
    again = enrolled([as_suspect(file), *references[1:]], method="sac-source", n=30)
    assert again.manifest.population is None
    assert "Whether the references fit" in forbidding(again)[0]


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """References of which three are one network, though their files differ."""
    folder = tmp_path_factory.mktemp("references")
    for i in range(12):
        lineage = world.lineage_of(i)
        world.export(world.innocent(i, lineage), folder / lineage / f"{i:02d}.onnx")
    for k in (1, 2):
        model = world.innocent(5, "ridge")
        file = folder / "ridge" / f"05-copy{k}.onnx"
        world.write_onnx(file, model.coef_.T, model.intercept_ + k * 1e-4)
    (folder / "birthmark.toml").write_text(world.TOML)
    world.export(world.victim(), folder.parent / "victim.onnx")
    return folder


def test_references_that_answer_as_one_count_once(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And all that is made of such an audit goes on with those that count."""
    outsiders = [world.as_digits(world.innocent(i)) for i in (50, 51)]
    references = open_all([str(copied)], world.DECLARED)
    victim = as_suspect(copied.parent / "victim.onnx", world.DECLARED, lineage="linear")
    made = Fingerprint.enroll(
        victim,
        world.image_set(),
        references,
        n=100,
        start="random",
        method=PECULIAR,
        outsiders=outsiders,
    )
    assert len(made.bundle.references) == 14
    result = made.audit(THIEF)
    names = "ridge/05-copy1.onnx, ridge/05-copy2.onnx, ridge/05.onnx"
    assert result.findings == [
        f"The references {names} answer as one model would, so they count once."
    ]
    assert result.verdict is Verdict.DERIVED
    assert len(result.references) == 12
    checks = recheck(
        made.bundle,
        victim,
        world.image_set(),
        [*references, *outsiders],
        [world.as_digits(world.innocent(60))],
        alpha=0.08,
    )
    found = {one.name: one for one in checks.checks}
    assert found["references distinct"].passed is False
    assert found["references distinct"].sentence == (
        f"2 of 14 answer as another one does, the first being {names}."
    )
    assert found["population"].passed
    assert found["controls"].passed

    file = tmp_path / "v.birthmark"
    made.save(file)
    thief = world.export(world.thief(), tmp_path / "thief.onnx")
    (tmp_path / "birthmark.toml").write_text(world.TOML)
    monkeypatch.chdir(tmp_path)
    run("audit", str(file), "--suspect", str(thief), "--out", "out")
    run("key", "owner.pem")
    run("sign", "out", "--fingerprint", str(file), "--key", "owner.pem")
    run("verify", "out/evidence.json", "--key", "owner.pub", "--replay")
    run("report", "out", "--fingerprint", str(file))
    run("compare", str(file), str(thief))


@pytest.mark.parametrize(("own", "forbidden"), [("linear", True), ("ridge", False), (None, True)])
def test_models_of_the_victims_lineage_that_answer_alike_forbid_an_accusation(
    own: str | None, forbidden: bool
) -> None:
    """An innocent model of that lineage could be as close."""
    model = world.innocent(4)
    again = world.as_digits(
        lambda x: model.decision_function(x.reshape(len(x), -1)), name="again", lineage="linear"
    )
    made = enrolled([*world.references(20), again], n=50)
    victim = made.manifest.victim.model_copy(update={"lineage": own})
    manifest = made.manifest.model_copy(update={"victim": victim})
    result = Fingerprint(replace(made.bundle, manifest=manifest)).audit(THIEF)
    assert "The references innocent-4, again answer as one model would" in result.findings[0]
    assert len(result.references) == 20
    assert ("can't be told from copies" in result.findings[0]) == forbidden
    assert (result.verdict is Verdict.DERIVED) == (not forbidden)
