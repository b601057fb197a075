"""Which models count as one, on simulated correlations."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from birthmark.calibration.copies import TIE, groups, ties
from birthmark.calibration.population import fit

Answers = NDArray[np.float64]


def among(some: Answers) -> Answers:
    return np.asarray(np.corrcoef(some))


def models(count: int, seed: int = 0, shared: float = 1.0) -> Answers:
    """Answers that have the task in common, and each its own."""
    rng = np.random.default_rng(seed)
    return shared * rng.normal(size=2000) + rng.normal(size=(count, 2000))


def of_lineages(lineages: list[int], own: float) -> Answers:
    """The task's, the lineage's and, less or more, their own."""
    rng = np.random.default_rng(2)
    by_lineage = rng.normal(size=(max(lineages) + 1, 2000))
    alike = rng.normal(size=2000) + by_lineage[lineages]
    return np.asarray(alike + own * rng.normal(size=alike.shape))


@pytest.mark.parametrize("others", [0, 1, 3, 20])
def test_equal_models_are_tied_whatever_the_pool(others: int) -> None:
    some = models(1 + others)
    tied = ties(among(np.vstack([some[:1], some])))
    assert tied[0, 1] == pytest.approx(1, abs=1e-6)
    assert (tied[0, 2:] < TIE).all()
    assert (np.diag(tied) == 0).all()


def test_copies_of_copies_are_one_group() -> None:
    """Three equal models hide each other: only one after the other are they found."""
    rng = np.random.default_rng(1)
    some = models(8)
    near = some[3] + 0.02 * rng.normal(size=2000)
    pool = among(np.vstack([some, near, near, some[5]]))
    assert groups(pool) == [[0], [1], [2], [3, 8, 9], [4], [5, 10], [6], [7]]
    assert groups(among(some)) == [[i] for i in range(8)]


@pytest.mark.parametrize("copies", [0, 1, 2])
def test_two_models_alone_are_not_one_for_having_the_task_in_common(copies: int) -> None:
    some = models(2, shared=5)
    assert among(some)[0, 1] > TIE
    pool = np.vstack([some, *[some[:1]] * copies])
    assert groups(among(pool)) == [[0, *range(2, 2 + copies)], [1]]


@pytest.mark.parametrize(("own", "fits"), [(1.0, True), (6.0, False), (0.01, False)])
def test_a_model_of_another_population_than_references_is_seen(own: float, fits: bool) -> None:
    """What is its own is as much as theirs, much more or nothing at all."""
    lineages = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    rng = np.random.default_rng(3)
    references = of_lineages(lineages, 0.7)
    mean = references.mean(axis=0)
    share = np.sqrt((references - mean).var() / mean.var())
    model = mean + own * share * mean.std() * rng.normal(size=2000)
    found = fit(among(np.vstack([model, references])), [str(one) for one in lineages])
    assert found is not None
    assert found.fits == fits
    assert (found.times > 1) == (own >= 1)
    assert fit(among(references[:2]), ["a"]) is None
