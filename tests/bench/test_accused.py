"""Everybody in a zoo is judged as an audit does, against references drawn by design."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest

from birthmark.bench.accused import Setting, Verdict, suspects, verdicts
from birthmark.bench.designs import DESIGNS, Design, Known
from birthmark.bench.lineages import lineage_of
from birthmark.bench.population import Population, other_victims
from birthmark.bench.verdict_page import Measured, page
from birthmark.zoo.answers import Recorded, read_answers

ANSWERS = Path(__file__).parents[2] / "benchmarks" / "answers"
BY_NAME = {design.name: design for design in DESIGNS}


@pytest.fixture(scope="module")
def pretrained() -> Recorded:
    return read_answers(ANSWERS / "pretrained.answers")


def known(recorded: Recorded, suspect: str, seed: int = 0) -> Known:
    population = Population.of(recorded)
    groups = {one.name: one.group for one in recorded.records}
    return Known(population, suspect, groups, np.random.default_rng(seed))


def test_a_lineage_is_network_start_and_whether_it_is_a_student(pretrained: Recorded) -> None:
    said = {record.name: lineage_of(record) for record in pretrained.records}
    assert said["victim"] == said["innocent-same-start/0"] == "vgg@checkpoint/0"
    assert said["innocent-sister-start/0"] == "vgg@checkpoint/4"
    assert said["reference-scratch/1"] == "resnet"
    assert said["reference-student/1"] == "resnet-student"
    assert said["extracted-probabilities/1"] == "resnet"


def test_an_innocent_of_the_victims_start_is_accused_only_where_no_reference_shares_it(
    pretrained: Recorded,
) -> None:
    setting = Setting(
        probe_draws=1,
        reference_draws=2,
        designs=[BY_NAME["fitting"], BY_NAME["start left out"]],
    )
    first = "innocent-same-start"
    found = list(takewhile(lambda one: one.group == first, verdicts(pretrained, "victim", setting)))
    assert len({one.model for one in found}) == 10
    derived = {name: [v.derived for v in found if v.design == name] for name in BY_NAME}
    assert not any(derived["fitting"])
    assert np.mean(derived["start left out"]) > 0.9
    assert "accused most" in page([Measured("pretrained", "victim", found)], setting, "made")


@pytest.mark.parametrize("design", DESIGNS, ids=lambda one: one.name)
def test_references_are_drawn_as_a_design_says(design: Design, pretrained: Recorded) -> None:
    for suspect in ("innocent-same-start/0", "innocent-other-start/0", "finetuned-all/0"):
        here = known(pretrained, suspect)
        chosen, lineages = design.choose(here), here.population.lineages
        assert len(set(chosen)) == len(chosen)
        assert suspect not in chosen
        of = [lineages[one] for one in chosen]
        if chosen and design.name != "start left out":
            assert of.count(here.own) >= 2
        if design.name == "lineage left out":
            assert bool(chosen) == (lineages[suspect] != here.own)
            assert lineages[suspect] not in of
        if design.name == "start left out":
            assert not any("@" in one for one in of)
            assert design.declared(here) == "vgg"


def test_other_victims_have_thieves_of_their_own() -> None:
    recorded = read_answers(ANSWERS / "objects.answers")
    (other,) = other_victims(recorded)
    theirs = Population.of(recorded, other)
    assert {one.name for one in theirs.attacks} == {
        "entangled-finetuned",
        "entangled-extracted-labels",
        "entangled-extracted-probabilities",
    }
    assert not set(suspects(recorded, theirs)) & {"finetuned-all", "extracted-labels"}
    assert isinstance(next(verdicts(recorded, other, Setting(designs=DESIGNS[:1]))), Verdict)
