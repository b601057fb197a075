from __future__ import annotations

import pytest

from birthmark.calibration.sample_size import RATES, Cell, Plan, load, plan
from birthmark.common.errors import BirthmarkError


def cell(zoo: str, attack: str, kind: str, design: tuple[int, int, int], *found: float) -> Cell:
    return Cell(zoo, attack, kind, 8, *design, found)


KNOWN = [
    cell("a", "pruned", "copy", (2, 2, 100), 0.6, 0.3, 0.1),
    cell("a", "pruned", "copy", (4, 2, 20), 1.0, 0.9, 0.5),
    cell("a", "pruned", "copy", (4, 2, 100), 1.0, 1.0, 0.8),
    cell("a", "finetuned", "copy", (4, 2, 100), 1.0, 1.0, 0.9),
    cell("b", "pruned", "copy", (4, 2, 100), 1.0, 0.96, 0.7),
    cell("a", "extracted-labels", "extraction", (4, 2, 100), 0.2, 0.1, 0.0),
    cell("a", "pruned", "copy", (4, 4, 100), 1.0, 1.0, 1.0),
]


def planned(**options: float | int) -> Plan:
    return plan(measured=KNOWN, **options)  # type: ignore[arg-type]


def test_the_fewest_references_that_reach_the_power_everywhere() -> None:
    made = planned(alpha=0.01, power=0.95)
    assert (made.lineages, made.models, made.probes, made.references) == (4, 2, 100, 8)
    assert made.reached
    assert [(one.attack, one.worst, one.best, one.zoos) for one in made.powers] == [
        ("finetuned", 1.0, 1.0, 1),
        ("pruned", 0.96, 1.0, 2),
        ("extracted-labels", 0.1, 0.1, 1),
    ]
    assert planned(alpha=0.05, power=0.95).probes == 20
    assert planned(alpha=0.01, power=0.97).models == 4


def test_what_there_is_reaches_as_much_as_it_can() -> None:
    made = planned(alpha=0.01, power=0.95, references=7)
    assert (made.lineages, made.models, made.reached) == (2, 2, False)
    made = planned(alpha=0.01, power=0.95, probes=50)
    assert (made.lineages, made.probes, made.reached) == (4, 20, False)


@pytest.mark.parametrize(
    ("suspects", "each", "tested"), [(1, 0.01, 0.01), (5, 0.002, 0.001), (20, 0.0005, 0.001)]
)
def test_suspects_share_alpha(suspects: int, each: float, tested: float) -> None:
    made = planned(alpha=0.01, suspects=suspects)
    assert made.each == pytest.approx(each)
    assert made.tested == tested


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"alpha": 0}, "alpha: is 0"),
        ({"power": 1.0}, "power: is 1"),
        ({"suspects": 0}, "suspects: is 0"),
        ({"references": 3}, "pass 4 references of 2 lineages and 20 probes"),
    ],
)
def test_bad_numbers(options: dict[str, float], said: str) -> None:
    with pytest.raises(BirthmarkError, match=said):
        planned(**options)


@pytest.mark.parametrize("labels", [False, True])
def test_packaged_power_is_whole(labels: bool) -> None:
    found = load(labels)
    assert {"objects", "objects-large", "emotion"} <= {one.zoo for one in found}
    assert ("faces" in {one.zoo for one in found}) != labels
    for one in found:
        assert one.thieves >= 1
        assert len(one.found) == len(RATES)
        assert 1 >= one.found[0] >= one.found[1] >= one.found[2] >= 0
