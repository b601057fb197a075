"""The rate of a test that may stop at any look, checked against many draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from birthmark.calibration.sequential import Sequential

Floats = NDArray[np.float64]
DRAWS = 2_000
LOOKS = 6
LINEAGES = ["near"] * 9 + ["middle"] * 9 + ["far"] * 14
SHIFTS = np.array([-2.0, 0.0, 1.0]).repeat([9, 9, 14])
SPREADS = np.array([0.5, 1.0, 2.0]).repeat([9, 9, 14])


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return rng.normal(size=shape)


def cauchy(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return rng.standard_cauchy(shape)


def five_values(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return np.floor(rng.standard_cauchy(shape)).clip(-2, 2)


def cumulative(batches: Floats) -> Floats:
    """Mean score up to each look; (draws, looks, models)."""
    means: Floats = batches.cumsum(axis=1) / np.arange(1, LOOKS + 1)[:, None]
    return means


def called(numbers: Floats, alpha: float, lineages: list[str] | None = None) -> Floats:
    """Share of draws in which the suspect is called at each look or before."""
    calls = np.zeros(numbers.shape[:2], bool)
    for i, draw in enumerate(numbers):
        test = Sequential(numbers.shape[2] - 1, alpha, lineages or (), threshold=2.5)
        calls[i] = [test.look(look, last=k == LOOKS - 1) for k, look in enumerate(draw.tolist())]
    rates: Floats = calls.mean(axis=0)
    return rates


def called_naively(numbers: Floats, alpha: float) -> float:
    """Share of draws in which p <= alpha at any look."""
    p = (numbers[:, :, 1:] <= numbers[:, :, :1]).sum(axis=2) + 1
    return float((p <= alpha * numbers.shape[2]).any(axis=1).mean())


@pytest.mark.parametrize("draw", [normal, cauchy, five_values])
@pytest.mark.parametrize(("references", "alpha"), [(19, 0.05), (29, 0.1)])
def test_the_rate_holds_wherever_it_stops(
    draw: Callable[[np.random.Generator, tuple[int, ...]], Floats], references: int, alpha: float
) -> None:
    """An innocent and references from one distribution; looks share all earlier batches.

    The naive rule, to stop at the first look with p <= alpha, breaks the rate. Every draw has an
    own level, common to its models. The test's own flakiness: deviations of 4 standard errors,
    less than 1 in 10,000 each, and the seed is fixed.
    """
    rng = np.random.default_rng(references)
    levels = rng.integers(-5, 6, (DRAWS, 1, 1))
    numbers = levels + cumulative(draw(rng, (DRAWS, LOOKS, references + 1)))
    rates = called(numbers, alpha)
    slack = 4 * np.sqrt(alpha / DRAWS)
    assert (np.diff(rates) >= 0).all()
    assert rates[-1] <= alpha + slack
    if draw is not five_values:
        assert rates[-1] == pytest.approx(alpha, abs=slack)
        assert rates[-2] > 0
        assert called_naively(numbers, alpha) > alpha + slack


@pytest.mark.parametrize("lineage", [0, 1, 2])
def test_the_rate_holds_for_an_innocent_of_any_lineage(lineage: int) -> None:
    """Lineages differ in level and spread, so only models of one are exchangeable.

    An innocent of the lineage that is nearer than all others is called by the whole pool at more
    than the stated rate, and within lineages at the rate of its own. The test's own flakiness: as
    above.
    """
    alpha = 0.1
    rng = np.random.default_rng(lineage)
    own = LINEAGES.index(("near", "middle", "far")[lineage])
    shifts, spreads = (np.insert(some, 0, some[own]) for some in (SHIFTS, SPREADS))
    numbers = cumulative(shifts + spreads * rng.normal(size=(DRAWS, LOOKS, len(shifts))))
    stated = Sequential(len(LINEAGES), alpha, LINEAGES).rates[LINEAGES[own]]
    assert stated == pytest.approx((0.1, 0.1, 1 / 15)[lineage])
    slack = 4 * np.sqrt(stated / DRAWS)
    assert called(numbers, alpha, LINEAGES)[-1] <= stated + slack
    if LINEAGES[own] == "near":
        assert called(numbers, alpha)[-1] > alpha + slack
        within = np.array([True, *(one == "near" for one in LINEAGES)])
        assert called_naively(numbers[:, :, within], alpha) > stated + slack
