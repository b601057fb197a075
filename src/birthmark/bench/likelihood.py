"""Likelihood ratios: fitted, bounded and judged.

Weights say how much each observation counts among those of its side; a side's sum does not matter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Line = tuple[float, float]
"""Intercept and slope."""

STEP = 0.01
FARTHEST = 15.0


def logistic(evidence: Numbers, derived: Flags, weights: Numbers, models: tuple[int, int]) -> Line:
    """The natural logarithm of the ratio as a line in the evidence, by logistic regression.

    Both sides weigh alike, whatever their numbers. The usual penalty on the slope bounds it where
    the sides do not overlap.

    Parameters
    ----------
    evidence
        (n,), such as deviations.
    derived
        (n,), whether each is of a derived model.
    weights
        (n,), of each.
    models
        How many derived and innocent models these are of.

    Returns
    -------
    tuple of float
        Intercept and slope.
    """
    from sklearn.linear_model import LogisticRegression

    counts = _shares(derived, weights) * sum(models) / 2
    fitted = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(
        evidence[:, None], derived, sample_weight=counts
    )
    return float(fitted.intercept_[0]), float(fitted.coef_[0, 0])


def bounds(
    logs: Numbers, derived: Flags, weights: Numbers, models: tuple[int, int]
) -> tuple[float, float]:
    """The lowest and the highest ratio that the data support (ELUB).

    Beyond them a decision by the ratio would have cost more than one without it, had one more
    observation of each side been as misleading as can be.

    Source: Vergeer, van Es, de Jongh, Alberink and Stoel, Science and Justice 56 (2016) 482-491.

    Parameters
    ----------
    logs
        (n,), natural logarithms of ratios.
    derived, weights
        (n,), as for `logistic`.
    models
        How many derived and innocent models these are of.

    Returns
    -------
    tuple of float
        At most 1, and at least 1.
    """
    steps = np.arange(-FARTHEST, FARTHEST, STEP)
    missed, accused = (
        np.array([np.average(part, weights=share) for part in (some[:, None] > steps).T])
        for some, share in ((logs[side], weights[side]) for side in (derived, ~derived))
    )
    many, few = models
    found, wrong = missed * many / (many + 1), (accused * few + 1) / (few + 1)
    worse = 1 - found + np.exp(steps) * wrong > np.minimum(1, np.exp(steps))
    low = float(steps[worse & (steps <= 0)].max(initial=-FARTHEST))
    high = float(steps[worse & (steps >= 0)].min(initial=FARTHEST))
    return float(np.exp(min(low + STEP, 0))), float(np.exp(max(high - STEP, 0)))


def cost(logs: Numbers, derived: Flags, weights: Numbers) -> float:
    """Cllr: 0 for ratios that are always right and sure, 1 for those that say nothing.

    Source: Bruemmer and du Preez, Computer Speech and Language 20 (2006) 230-275.
    """
    sides = [(-logs[derived], weights[derived]), (logs[~derived], weights[~derived])]
    return float(
        np.mean([np.average(np.logaddexp(0, some), weights=w) for some, w in sides]) / np.log(2)
    )


def pooled(evidence: Numbers, derived: Flags, weights: Numbers) -> Numbers:
    """Logarithms of the ratios that would have been best for these data (PAV), (n,).

    Parameters
    ----------
    evidence
        (n,); larger speaks for derived.
    """
    from sklearn.isotonic import IsotonicRegression

    shares = _shares(derived, weights)
    best = IsotonicRegression().fit(evidence, derived, shares).predict(evidence)
    with np.errstate(divide="ignore"):
        logs = np.log(best) - np.log1p(-best)
    found: Numbers = np.clip(logs, -FARTHEST, FARTHEST)
    return found


def least_cost(evidence: Numbers, derived: Flags, weights: Numbers) -> float:
    """The lowest Cllr that a monotonic function of the evidence could have."""
    return cost(pooled(evidence, derived, weights), derived, weights)


def _shares(derived: Flags, weights: Numbers) -> Numbers:
    sums = np.where(derived, weights[derived].sum(), weights[~derived].sum())
    shares: Numbers = weights / sums
    return shares
