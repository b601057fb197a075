"""Bounds on rates that were counted."""

from __future__ import annotations

from collections.abc import Sequence


def interval(successes: float, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of a rate, 0 to 1.

    Source: Clopper and Pearson, Biometrika 26, 1934.

    Parameters
    ----------
    successes
        0 to trials; may be a mean over draws.
    trials
        At least 1.
    level
        The chance that the interval holds the rate, at least.
    """
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = betaincinv(successes, trials - successes + 1, tail) if successes > 0 else 0.0
    high = betaincinv(successes + 1, trials - successes, 1 - tail)
    return float(low), float(high) if successes < trials else 1.0


def rate_below(threshold: float, references: Sequence[float], level: float = 0.95) -> float:
    """An upper bound on the false-positive rate of a threshold that was fixed beforehand, 0 to 1.

    One-sided Clopper-Pearson of how many references score at most the threshold. It holds if the
    threshold was chosen without looking at these references, and if an innocent is drawn as they
    were.

    Parameters
    ----------
    threshold
        A score at most which a suspect would be called derived.
    references
        The reference models' scores.
    level
        The chance that the bound holds.
    """
    from scipy.special import betaincinv

    below = sum(number <= threshold for number in references)
    if below == len(references):
        return 1.0
    return float(betaincinv(below + 1, len(references) - below, level))
