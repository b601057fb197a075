from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from birthmark.calibration import references_needed, smallest_p
from birthmark.calibration.sample_size import Measured, load, plan, power_of
from birthmark.common.errors import BirthmarkError

ROOT = Path(__file__).parents[2]
COPY = Measured(
    zoo="a", attack="copied", thieves=8, kept=4, innocents=60, sizes=(10, 20, 50, 100),
    detected=(0.5, 1.0, 0.75, 1.0), closest=(0.25, 0.5, 0.5, 0.875),
)  # fmt: skip
OTHER = replace(COPY, zoo="b", kept=8, detected=(0.25, 0.75, 1.0, 1.0), closest=(0.0, 0.5, 0.5, 0))


def test_the_packaged_power_is_what_its_command_writes() -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "power.py"))
    again = script["text"](script["tables"](ROOT / "benchmarks" / "detection"))
    assert script["PACKAGED"].read_text() == again


def test_packaged_power_is_of_thieves_worth_having() -> None:
    for labels in (False, True):
        found = load(labels)
        assert {"objects", "objects-large"} <= {one.zoo for one in found}
        for one in found:
            assert 1 <= one.kept <= one.thieves
            assert list(one.sizes) == sorted(one.sizes)
            assert all(0 <= rate <= 1 for rate in (*one.detected, *one.closest))
    assert "faces" not in {one.zoo for one in load(labels=True)}


@pytest.mark.parametrize(
    ("zoos", "power", "needed", "probes", "worst", "best"),
    [
        ([COPY], 0.9, 100, 100, 1.0, 1.0),
        ([COPY], 0.75, 20, 20, 1.0, 1.0),
        ([COPY], 0.5, 10, 10, 0.5, 0.5),
        ([COPY, OTHER], 0.75, 20, 20, 0.75, 1.0),
        ([COPY, OTHER], 0.5, 20, 20, 0.75, 1.0),
    ],
)
def test_probes_from_which_on_power_is_reached_everywhere(
    zoos: list[Measured], power: float, needed: int, probes: int, worst: float, best: float
) -> None:
    found = power_of(zoos, "detected", power)
    assert found is not None
    assert (found.needed, found.probes, found.worst, found.best) == (needed, probes, worst, best)
    assert found.thieves == 4
    assert found.low < found.worst


def test_what_is_not_reached_is_told_at_its_best() -> None:
    found = power_of([COPY, OTHER], "closest", 0.95)
    assert found is not None
    assert (found.needed, found.most, found.probes, found.thieves) == (None, 0.5, 20, 8)
    assert found.low == pytest.approx(0.157, abs=1e-3)


def test_a_budget_of_probes_is_rounded_down() -> None:
    found = power_of([COPY, OTHER], "detected", 0.9, probes=99)
    assert found is not None
    assert (found.needed, found.probes, found.worst) == (100, 50, 0.75)
    assert power_of([COPY], "detected", 0.9, probes=9) is None
    shorter = replace(OTHER, sizes=(10, 20), detected=(0.0, 1.0))
    both = power_of([COPY, shorter], "detected", 0.9)
    assert both is not None
    assert both.needed == 20


@pytest.mark.parametrize("alpha", [0.3, 0.05, 0.049, 0.01, 0.001])
@pytest.mark.parametrize("lineages", [1, 2, 4, 7])
def test_the_least_references_hold_alpha_and_no_fewer_do(alpha: float, lineages: int) -> None:
    made = plan(alpha, lineages=lineages)
    theirs = made.references
    assert made.needed == references_needed(alpha)
    assert theirs.count == max(made.needed, 5 + lineages - 1)
    assert len(theirs.lineages) == lineages
    assert theirs.usable
    assert theirs.reachable
    assert 0 < theirs.rate <= alpha
    assert not plan(alpha, references=made.needed - 1).references.reachable
    enough = plan(alpha, sizes=[made.needed_in_lineages // lineages] * lineages)
    assert enough.references.within <= alpha + 1e-12
    if made.needed > 5:
        one_less = plan(alpha, sizes=[made.needed, *[made.needed - 1] * (lineages - 1)])
        assert (one_less.references.within > alpha) == (lineages > 1)


def test_a_small_lineage_holds_less() -> None:
    made = plan(0.01, lineages=4)
    assert made.references.lineages == (25, 25, 25, 24)
    assert made.references.within == smallest_p(24)
    assert made.needed_in_lineages == 4 * 99


@pytest.mark.parametrize(("alpha", "suspects", "needed"), [(0.05, 5, 99), (0.15, 3, 19)])
def test_suspects_share_alpha(alpha: float, suspects: int, needed: int) -> None:
    assert plan(alpha, suspects=suspects).needed == needed


def test_power_is_of_the_rate_that_can_be_reached() -> None:
    assert plan(0.05).measure == "detected"
    assert plan(0.15, suspects=3).measure == "detected"
    assert plan(0.04).measure == "closest"
    short = plan(0.01, references=10)
    assert not short.references.reachable
    assert short.references.rate == 0
    assert (short.tested, short.measure) == (1 / 11, "detected")
    none = plan(0.25, references=4)
    assert none.references.reachable
    assert not none.references.usable
    assert none.powers == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"alpha": 0}, "--alpha: is 0"),
        ({"alpha": 1}, "--alpha: is 1"),
        ({"alpha": float("nan")}, "--alpha: is nan"),
        ({"alpha": 1e-6, "suspects": 2}, "pass 2e-06 or more"),
        ({"power": 1.0}, "--power: is 1.0"),
        ({"suspects": 0}, "--suspects: is 0"),
        ({"lineages": 0}, "--lineages: is 0"),
        ({"references": 3, "lineages": 4}, "pass 4 or more"),
        ({"references": 0}, "--references: is 0"),
        ({"sizes": [5, 0]}, "--lineage: is 0"),
        ({"sizes": [5], "references": 5}, "leave out --references"),
        ({"probes": 9}, "--probes: is 9; power with so few is not measured; pass 10 or more"),
    ],
)
def test_bad_numbers(arguments: dict[str, float], said: str) -> None:
    with pytest.raises(BirthmarkError) as error:
        plan(**arguments)  # type: ignore[arg-type]
    assert said in str(error.value)
