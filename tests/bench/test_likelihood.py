"""Ratios are judged and bounded as the field's library (`lir` 1.3.1) does."""

from __future__ import annotations

import numpy as np
import pytest

from birthmark.bench.likelihood import bounds, cost, least_cost, logistic

FEW, MANY = 80, 200


def drawn(apart: float = 3.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    evidence = np.r_[rng.normal(0, 1, FEW), rng.normal(apart, 2, MANY)]
    return evidence, np.arange(FEW + MANY) >= FEW, np.ones(FEW + MANY)


def test_as_lir_judges_and_bounds() -> None:
    evidence, derived, weights = drawn()
    logs = 1.3 * evidence - 2
    assert cost(logs, derived, weights) == pytest.approx(0.6014899642)
    assert least_cost(evidence, derived, weights) == pytest.approx(0.4946942029)
    found = bounds(logs, derived, weights, (MANY, FEW))
    assert found == pytest.approx((0.1819700859, 24.5470891568), rel=0.02)


def test_weights_stand_for_repeats() -> None:
    evidence, derived, weights = drawn()
    twice = (np.r_[evidence, evidence[:50]], np.r_[derived, derived[:50]])
    weights[:50] = 2
    assert cost(evidence, derived, weights) == pytest.approx(cost(*twice, np.ones(FEW + MANY + 50)))


def test_ratios_of_the_truth_are_found() -> None:
    """Normal evidence of equal spread, whose ratio is exp(3 x - 4.5)."""
    rng = np.random.default_rng(0)
    evidence = np.r_[rng.normal(0, 1, 4000), rng.normal(3, 1, 4000)]
    derived = np.arange(8000) >= 4000
    found = logistic(evidence, derived, np.ones(8000), (4000, 4000))
    assert found == pytest.approx((-4.5, 3), rel=0.1)


def test_sides_apart_give_no_endless_ratio() -> None:
    evidence, derived, weights = drawn(apart=50)
    intercept, slope = logistic(evidence, derived, weights, (MANY, FEW))
    assert 0 < slope < 10
    low, high = bounds(intercept + slope * evidence, derived, weights, (MANY, FEW))
    assert 1 / MANY < low < 1 < high < FEW
