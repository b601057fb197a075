from __future__ import annotations

import pytest

from birthmark.calibration import (
    by_lineage,
    held_rate,
    interval,
    lineage_rate,
    possible,
    rate_below,
    standardised,
)


def test_a_rank_within_each_lineage() -> None:
    ranks = by_lineage(
        0.3, [0.1, 0.4, 0.5, 0.2, 0.6], ["vgg", "vgg", "resnet", "resnet", None], alpha=0.05
    )
    assert [(one.lineage, one.references) for one in ranks] == [("resnet", 2), ("vgg", 2)]
    assert [one.p_value for one in ranks] == [2 / 3, 2 / 3]
    assert [one.rate for one in ranks] == [1 / 3, 1 / 3]
    assert not any(one.close_enough for one in ranks)
    assert [one.lineage for one in possible(ranks, "vgg")] == ["vgg"]
    assert possible(ranks, "unknown") == possible(ranks, None) == ranks
    closest = by_lineage(0.0, [0.1, 0.4], ["vgg", "vgg"], alpha=0.05)
    assert closest[0].close_enough


def test_numbers_in_deviations_of_their_own_lineage() -> None:
    found = standardised([1.0, 3.0, 10.0, 10.0, 5.0], ["a", "a", "b", "b", None])
    assert found == [-1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("alpha", "references", "held", "within"),
    [(0.05, 19, 0.05, 0.05), (0.05, 10, 0, 1 / 11), (0.05, 40, 2 / 41, 2 / 41), (0.3, 9, 0.3, 0.3)],
)
def test_the_rate_that_holds(alpha: float, references: int, held: float, within: float) -> None:
    assert held_rate(alpha, references) == pytest.approx(held)
    assert lineage_rate(alpha, references) == pytest.approx(within)


def test_bounds_on_counted_rates() -> None:
    """Against the closed forms of Clopper-Pearson's interval for none and all."""
    assert interval(0, 10) == pytest.approx((0, 1 - 0.025 ** (1 / 10)))
    assert interval(10, 10) == pytest.approx((0.025 ** (1 / 10), 1))
    assert rate_below(0.1, [0.2] * 20) == pytest.approx(1 - 0.05 ** (1 / 20))
    assert rate_below(0.3, [0.2] * 20) == 1
    assert rate_below(0.2, [0.2, 0.4, 0.5]) > 1 / 3
