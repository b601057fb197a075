"""Which probes speak for derivation, and what is said of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

import world
from birthmark import Fingerprint
from birthmark.audit.audit import Audited, audit
from birthmark.bundle import Bundle
from birthmark.data.images import Image, ImageSet
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters import Description
from birthmark.report.contributions import Answer, contributions
from birthmark.report.pictures import MOST_BYTES, probe_pictures
from birthmark.report.probes import probes_shown, said

FOR, AGAINST = 5, 11


class Said:
    """A suspect that gives answers known beforehand."""

    batch = None

    def __init__(self, outputs: Outputs) -> None:
        self.outputs = outputs
        self.description = Description(name="suspect", adapter="said", output=outputs.kind)

    def answer(self, images: Sequence[Image]) -> Outputs:
        assert len(images) == len(self.outputs)
        return self.outputs


@pytest.fixture(scope="module")
def bundle(fingerprint: Fingerprint) -> Bundle:
    return fingerprint.bundle


@pytest.fixture(scope="module")
def planted() -> tuple[Bundle, Audited]:
    """References all unlike the victim at one probe, and all like it at another.

    The suspect does the contrary.
    """
    bundle = world.fingerprint_of_digits(n=30, method="agreement@natural").bundle
    labels = bundle.victim.predicted()
    other = (labels + 1) % 10

    def said(*, at_for: bool, at_against: bool) -> Outputs:
        chosen = labels.copy()
        chosen[FOR] = labels[FOR] if at_for else other[FOR]
        chosen[AGAINST] = labels[AGAINST] if at_against else other[AGAINST]
        return Outputs(chosen, Kind.LABELS, 10)

    references = [said(at_for=False, at_against=True) for _ in bundle.references]
    bundle = replace(bundle, references=references)
    suspect = Said(said(at_for=True, at_against=False))
    return bundle, audit(bundle, suspect, repeats=0)


def test_what_was_planted_is_found(planted: tuple[Bundle, Audited]) -> None:
    bundle, audited = planted
    found = contributions(bundle, audited)
    assert found is not None
    assert [one.place for one in found.speak_for] == [FOR]
    assert [one.place for one in found.against] == [AGAINST]
    assert found.speak_for[0].contribution == pytest.approx(1)
    assert found.against[0].contribution == pytest.approx(-1)
    assert found.lead == pytest.approx(0)
    victim, suspect, typical = found.speak_for[0].answers
    assert victim.predicted == suspect.predicted != typical.predicted


def test_in_words(planted: tuple[Bundle, Audited]) -> None:
    bundle, audited = planted
    names = [f"digit {i}" for i in range(10)]
    shown = probes_shown(bundle, audited, names)
    assert shown is not None
    tile = shown.speak_for[0]
    expected = names[int(bundle.victim.predicted()[FOR])]
    assert tile.title == f"Probe {FOR + 1}"
    assert [role for role, _ in tile.answers] == ["Victim", "Suspect", "Typical reference"]
    assert re.fullmatch(rf"{expected}, .*% sure", tile.answers[0][1])
    assert tile.answers[1][1] == expected
    assert f"true class {names[bundle.probes[FOR].label or 0]}" in tile.alt
    assert tile.pictures[0].enlarged
    assert not shown.coded_again


@pytest.mark.parametrize(
    ("answer", "classes", "expected"),
    [
        (Answer("Victim", 1, 0.5, True), ["cat", "dog"], "dog, 50% sure"),
        (Answer("Victim", 1, 0.9999, True), None, "class 1, over 99% sure"),
        (Answer("Suspect", 1, None, False), ["cat", "dog"], "its own class 1"),
        (Answer("Suspect", 7, None, True), ["cat", "dog"], "7"),
        (Answer("Suspect", None, None, True), None, ""),
    ],
)
def test_said(answer: Answer, classes: list[str] | None, expected: str) -> None:
    assert said(answer, classes) == expected


def test_a_copy_leads_by_all_its_probes(bundle: Bundle) -> None:
    found = contributions(bundle, audit(bundle, Said(bundle.victim), repeats=0))
    assert found is not None
    assert found.lead > 0.3
    assert found.examined == found.probes == 40
    assert found.positive > 30
    values = [one.contribution for one in found.speak_for]
    assert values == sorted(values, reverse=True)


def test_costly_scores_are_examined_in_part(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    audited = audit(bundle, Said(bundle.victim), repeats=0)
    monkeypatch.setattr("birthmark.report.contributions.MOST_PROBES", 10)
    found = contributions(bundle, audited)
    assert found is not None
    assert (found.examined, found.among, found.probes) == (10, 10, 40)
    plain = replace(
        bundle, manifest=bundle.manifest.model_copy(update={"method": "sac-cosine-pearson@natural"})
    )
    monkeypatch.setattr("birthmark.report.contributions.MOST_PROBES", 30)
    monkeypatch.setattr("birthmark.report.contributions.MOST_WORK", 0)
    found = contributions(plain, audited)
    assert found is not None
    assert (found.examined, found.among) == (20, 30)


def test_large_pictures_are_coded_again() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (3, 400, 400, 3), dtype=np.uint8)
    images = list(ImageSet.from_arrays(noise))
    assert sum(len(image.data) for image in images) > MOST_BYTES
    found = probe_pictures(images)
    assert all(one.coded_again and one.width == 224 for one in found.values())
    assert sum(len(one.source) for one in found.values()) < MOST_BYTES
    small = Image(images[0].data, "small.png")
    assert not probe_pictures([small])["small.png"].coded_again
