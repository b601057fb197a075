"""An innocent of a lineage that is not there is called derived at the stated rate.

Each rate is held against the 99.99% quantile of a binomial of what is allowed, so a right test
fails in one of 10,000 cells; there are 70 cells, whose seeds are fixed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from birthmark.calibration import PredictionLooks, called, predictions
from birthmark.calibration.population import judged
from birthmark.calibration.prediction import MAKER

Draw = Callable[[int], NDArray[np.float64]]
TIMES = 2000
ALPHA = 0.01
DESIGNS = {
    "2 x 2": [2, 2],
    "3 x 1": [1, 1, 1],
    "4 x 4": [4] * 4,
    "8, uneven": [4, 2, 2, 2, 2, 2, 1, 1],
    "12 x 1": [1] * 12,
}


def shapes(rng: np.random.Generator) -> dict[str, tuple[Draw, float]]:
    """Each with the rate that is allowed at 1%: what docs/statistics.md states."""
    return {
        "normal": (lambda n: rng.normal(size=n), ALPHA),
        "heavy-tailed": (lambda n: rng.standard_t(3, size=n) / np.sqrt(3), 0.025),
        "skewed away": (lambda n: (rng.gamma(2, size=n) - 2) / np.sqrt(2), ALPHA),
        "skewed towards": (lambda n: (2 - rng.gamma(2, size=n)) / np.sqrt(2), 0.04),
    }


def most(rate: float) -> int:
    return int(binom.ppf(0.9999, TIMES, rate))


def drawn(
    draw: Draw, counts: list[int], between: float, within: float
) -> tuple[float, NDArray[np.float64], list[str]]:
    """An innocent of a lineage of its own, references, and their lineages."""
    centres = between * draw(len(counts) + 1)
    named = np.repeat(np.arange(len(counts)), counts)
    others = centres[:-1][named] + within * draw(len(named))
    own = float(centres[-1] + within * draw(1)[0])
    return own, others, [str(i) for i in named]


@pytest.mark.parametrize("between", [1.0, 0.1])
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("shape", ["normal", "heavy-tailed", "skewed away", "skewed towards"])
def test_an_innocent_of_an_unseen_lineage_is_rarely_called(
    shape: str, design: str, between: float
) -> None:
    rng = np.random.default_rng(0)
    draw, allowed = shapes(rng)[shape]
    accused = 0
    for _ in range(TIMES):
        own, others, lineages = drawn(draw, DESIGNS[design], between, 0.5)
        accused += called(own, others.tolist(), lineages, None, ALPHA)
    assert accused <= most(allowed)


@pytest.mark.parametrize("shape", ["normal", "heavy-tailed", "skewed away", "skewed towards"])
@pytest.mark.parametrize("counts", [[4, *[2] * 6], [4, *[2] * 12], [4, 4, 4, 4], [6]])
def test_an_innocent_of_the_victims_own_lineage_is_rarely_called(
    shape: str, counts: list[int]
) -> None:
    """Though that lineage, the first, is ten deviations closer than all others."""
    rng = np.random.default_rng(0)
    draw, allowed = shapes(rng)[shape]
    accused = 0
    for _ in range(TIMES):
        _, others, lineages = drawn(draw, counts, 1.0, 0.5)
        centre = -10 + draw(1)[0]
        others[: counts[0]] += centre - others[: counts[0]].mean() + 0.25 * draw(1)[0]
        own = float(centre + 0.5 * draw(1)[0])
        accused += called(own, others.tolist(), lineages, "0", ALPHA)
    assert accused <= most(allowed)


def test_nothing_is_predicted_without_spread_or_of_what_is_not_there() -> None:
    (flat,) = predictions(0.0, [1.0, 1.0], ["a", "b"], None)
    assert flat.p_value == 1
    assert not called(0.0, [1.0, 1.0], ["a", "b"], "a", ALPHA)
    assert predictions(0.0, [1.0, 2.0], ["a", "a"], "b") == []
    assert [one.lineage for one in predictions(0.0, [1.0, 2.0, 3.0], ["a", "a", "b"], "a")] == [
        "unseen",
        "own",
    ]


@pytest.mark.parametrize("design", ["4 x 4", "8, uneven", "12 x 1"])
def test_an_innocent_of_another_maker_is_rarely_called(design: str) -> None:
    """Whose score is another by a tenth: references of one maker differ by a hundredth."""
    rng = np.random.default_rng(0)
    accused = 0
    for _ in range(TIMES):
        own, others, lineages = drawn(lambda n: rng.normal(size=n), DESIGNS[design], 0.01, 0.01)
        own += MAKER * rng.normal()
        accused += called(1 + own, (1 + others).tolist(), lineages, "0", ALPHA)
    assert accused <= most(0.015)


@pytest.mark.parametrize("design", ["4 x 4", "8, uneven"])
def test_a_copy_is_found(design: str) -> None:
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        _, others, lineages = drawn(lambda n: rng.normal(size=n), DESIGNS[design], 1, 0.5)
        found += called(-12.0, others.tolist(), lineages, "0", ALPHA)
    assert found >= (140 if design == "4 x 4" else 195)


def test_all_looks_together_hold_the_rate() -> None:
    """Five looks at growing, dependent evidence."""
    rng = np.random.default_rng(0)
    accused = 0
    for _ in range(TIMES):
        own, others, lineages = drawn(lambda n: rng.normal(size=n), [2] * 6, 1, 0.5)
        looks = PredictionLooks(ALPHA, 5, lineages, "0")
        numbers = np.array([own, *others])
        accused += any(
            looks.look((numbers + noise * rng.normal(size=len(numbers))).tolist(), last=False)
            for noise in (1.0, 0.7, 0.5, 0.3, 0.0)
        )
    assert accused <= most(ALPHA)


@pytest.mark.parametrize("maker", [0.0, 0.5])
@pytest.mark.parametrize("design", [d for d in DESIGNS if d != "2 x 2"])
def test_one_more_model_of_the_population_fits(design: str, maker: float) -> None:
    """Also of another maker, whose data and recipe add what the check allows for."""
    rng = np.random.default_rng(0)
    stopped = 0
    for _ in range(TIMES):
        own, others, lineages = drawn(lambda n: rng.normal(size=n), DESIGNS[design], 0.2, 0.14)
        stopped += not judged(own + maker * rng.normal(), others, lineages).fits
    assert stopped <= most(0.02)
    strange = judged(float(others.mean()) + 2.4, others, lineages)
    assert not strange.fits or len(others) == 3
