"""The rate that fair coins keep, checked against many splits."""

from __future__ import annotations

import numpy as np
import pytest
import scipy
from numpy.typing import NDArray

from birthmark.witnesses.shuffled import chance
from birthmark.witnesses.shuffled.chance import coins_p, hits_p, shuffle_p

SPLITS = 1000


def even(rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.standard_normal(60)


def heavy(rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.standard_cauchy(60)


def right_or_wrong(rng: np.random.Generator) -> NDArray[np.float64]:
    return (rng.random(60) < 0.8).astype(np.float64)


def coins(rng: np.random.Generator, count: int) -> NDArray[np.bool_]:
    return rng.random(count) < 0.5


def nine_of_ten(rng: np.random.Generator, count: int) -> NDArray[np.bool_]:
    return np.asarray(rng.permutation(count) < 0.9 * count)


@pytest.mark.parametrize(("test", "fall"), [(coins_p, coins), (shuffle_p, nine_of_ten)])
@pytest.mark.parametrize("numbers", [even, heavy, right_or_wrong])
def test_innocents_are_found_as_rarely_as_said(
    numbers: object, test: object, fall: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the answers are, if the coins fell, or nine of ten were drawn, without them.

    Fewer flips for speed. The test's own flakiness: 4 standard errors, and the seed is fixed.
    """
    monkeypatch.setattr(chance, "FLIPS", 499)
    rng = np.random.default_rng(3)
    ps = []
    for _ in range(SPLITS):
        given = numbers(rng)  # type: ignore[operator]
        ps.append(test(given, fall(rng, len(given)))[0])  # type: ignore[operator]
    for alpha in (0.01, 0.05, 0.2, 0.5):
        slack = 4 * np.sqrt(alpha / SPLITS)
        seen = float(np.mean(np.array(ps) <= alpha))
        assert seen <= alpha + slack
        if alpha >= 0.05 and numbers is even:
            assert seen >= alpha - slack


def test_small_values_are_bounds_not_counts() -> None:
    """Against the exact chance of every one of 2^16 ways in which coins can fall."""
    numbers = np.arange(16.0) ** 2
    numbers -= numbers.mean()
    signs = 2.0 * ((np.arange(1 << 16)[:, None] >> np.arange(16)) & 1) - 1
    sums = np.sort(signs @ numbers)[::-1]
    for rank in (3, 10, 40):
        heads = signs[np.argsort(signs @ numbers)[::-1][rank]] > 0
        p, z = coins_p(numbers, heads)
        assert (rank + 1) / (1 << 16) <= p < 0.02
        assert z == pytest.approx(sums[rank] / np.sqrt((numbers**2).sum()))
    best, z = coins_p(np.arange(400.0), np.arange(400) >= 200)
    assert best == pytest.approx(3.178 * scipy.stats.norm.sf(z), rel=1e-3)
    assert best < 1e-30


def test_drawn_labels_are_guessed_as_rarely_as_said() -> None:
    """By one who always knows the true class, and so never names a canary's, and by a guesser."""
    assert hits_p(0, 40, 10) == 1
    assert hits_p(20, 40, 10) < 1e-6
    rng = np.random.default_rng(0)
    ps = np.array([hits_p(int((rng.integers(0, 9, 40) == 0).sum()), 40, 10) for _ in range(4000)])
    for alpha in (0.01, 0.1):
        assert (ps <= alpha).mean() <= alpha + 4 * np.sqrt(alpha / 4000)
