"""Rates within lineages and bounds on thresholds, checked against many draws."""

from __future__ import annotations

import numpy as np
import pytest

from birthmark.calibration import by_lineage, conformal_p, lineage_rate, rate_below

DRAWS = 4_000
LINEAGES = {"a": 12, "b": 12, "c": 25}
SHIFT = {"a": -3.0, "b": 0.0, "c": 1.0}
"""Lineage a is systematically closer."""


@pytest.mark.parametrize("lineage", LINEAGES)
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_an_innocent_of_any_lineage_is_accused_at_the_rate_within_it(
    lineage: str, alpha: float
) -> None:
    """Worst lineage and known lineage; the rank among all references breaks the rate for lineage a.

    The test's own flakiness: a deviation of 4 standard errors, less than 1 in 10,000, and the
    seed is fixed.
    """
    rng = np.random.default_rng(0)
    names = [name for name, count in LINEAGES.items() for _ in range(count)]
    shifts = np.array([SHIFT[name] for name in names])
    worst, known, pooled = 0, 0, 0
    for _ in range(DRAWS):
        references = (rng.standard_t(3, len(names)) + shifts).tolist()
        suspect = float(rng.standard_t(3)) + SHIFT[lineage]
        ranks = by_lineage(suspect, references, names, alpha)
        worst += all(one.close_enough for one in ranks)
        known += next(one for one in ranks if one.lineage == lineage).close_enough
        pooled += conformal_p(suspect, references) <= alpha
    stated = lineage_rate(alpha, LINEAGES[lineage])
    slack = 4 * np.sqrt(stated / DRAWS)
    assert known / DRAWS == pytest.approx(stated, abs=slack)
    assert worst / DRAWS <= stated + slack
    if lineage == "a" and alpha == 0.05:
        assert pooled / DRAWS > 0.08


def test_a_thresholds_bound_holds_as_often_as_it_says() -> None:
    """A bound at 90% fails in at most 10% of draws, and 4 standard errors of that."""
    rng = np.random.default_rng(1)
    threshold = -1.5
    true = 0.0668
    failed = np.mean(
        [rate_below(threshold, rng.normal(size=30).tolist(), level=0.9) < true for _ in range(2000)]
    )
    assert failed <= 0.1 + 4 * np.sqrt(0.1 * 0.9 / 2000)
