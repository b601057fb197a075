"""How far below innocent models a suspect stands, of whatever lineage it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

LEAST_OWN = 2
"""So many references of the victim's own lineage tell what an innocent of it is like."""
MAKER = 0.1
"""Standard deviation of what another maker's data and recipe add, as a share of the prediction.

References share a maker; an innocent suspect has another. Measured: innocents that learnt from
other images lay .13 to .19 below references that shared theirs.
"""
MOST_DEVIATIONS = 1e9
"""Told at most."""
MOST_DEGREES = 1e6
EARLY = 0.1
"""Share of alpha of each look before the last (benchmarks/sequential.md)."""


class Prediction(BaseModel):
    """A suspect's score against what an innocent model's would be.

    Of an `unseen` lineage: lineages are random effects. An innocent's score is the mean of its
    lineage and its own deviation from it; the references tell how much lineages differ and how much
    models within one do. Of the victim's `own` lineage, which is the closest by nature: the mean of
    its references, and how much models within a lineage differ in all of them. Both allow for what
    another maker adds (`MAKER`), a variance that is known beforehand, as the population check does.

    Source: prediction intervals of a one-way random-effects model; lineages' means with equal
    weight, the variance between them by the method of moments. Held at their rates by
    `tests/theory/test_unseen_rate.py`.

    Attributes
    ----------
    lineage
        `unseen` or `own`.
    centre
        What is predicted.
    spread
        The predicted standard deviation of an innocent's score from it, the references' own
        uncertainty included; at least 0.
    deviations
        How many of these the suspect lies above the centre; below is closer to the victim. 0 where
        there is no spread, which predicts nothing.
    degrees
        Of Student's t: lineages less one, or references less lineages, times all variance over the
        estimated.
    p_value
        How often an innocent comes as close or closer, 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lineage: Literal["unseen", "own"]
    centre: float
    spread: float
    deviations: float
    degrees: float
    p_value: float

    def below(self, alpha: float) -> float:
        """The score from which on down p <= alpha; far below all where nothing is predicted."""
        from scipy.special import stdtrit

        if not self.spread:
            return self.centre - MOST_DEVIATIONS
        return self.centre + self.spread * float(stdtrit(self.degrees, alpha))


def enough(lineages: Sequence[str | None], own: str | None) -> bool:
    """Whether references of these lineages predict anything, for a victim of the lineage `own`.

    Two lineages do, weakly: with k of them the suspect has to lie so many deviations below the
    others for p = .01: 32 with two, 7 with three, 3.7 with five, 2.8 with ten. Of a single lineage
    they do if it is the victim's. Those of no stated lineage count as one.
    """
    return len(set(lineages)) > 1 or (own is not None and lineages.count(own) >= LEAST_OWN)


def predictions(
    score: float, references: Sequence[float], lineages: Sequence[str | None], own: str | None
) -> list[Prediction]:
    """Compare a suspect with an innocent of an unseen lineage, and of the victim's own.

    Both must be unlikely for an accusation. With references of one lineage only, there is no
    prediction for an unseen one; with fewer than two of the victim's own, none for that.

    Parameters
    ----------
    score
        The suspect's; smaller is closer.
    references
        The references' scores, from one pool with the suspect's.
    lineages
        Theirs; those of None count as one.
    own
        The victim's, if it is stated.
    """
    values = np.asarray(references, np.float64)
    names = sorted(set(lineages), key=str)
    inside = {name: np.array([one == name for one in lineages], bool) for name in names}
    means = np.array([values[some].mean() for some in inside.values()])
    shares = np.array([1 / some.sum() for some in inside.values()])
    k, n = len(names), len(values)
    rest = values - np.array([means[names.index(one)] for one in lineages])
    within = float((rest**2).sum()) / (n - k) if n > k else 0.0
    found = []
    if k > 1:
        found.append(_unseen(score, means, within, float(shares.mean())))
    if own is not None and lineages.count(own) >= LEAST_OWN:
        place = names.index(own)
        variance = within * (1 + float(shares[place]))
        found.append(_prediction("own", score, float(means[place]), variance, n - k))
    return found


def _unseen(score: float, means: NDArray[np.float64], within: float, share: float) -> Prediction:
    k = len(means)
    between = max(0.0, float(means.var(ddof=1)) - within * share)
    variance = between * (1 + 1 / k) + within * (1 + share / k)
    return _prediction("unseen", score, float(means.mean()), variance, k - 1)


def _prediction(
    lineage: Literal["unseen", "own"], score: float, centre: float, variance: float, degrees: int
) -> Prediction:
    from scipy.special import stdtr

    known = (MAKER * centre) ** 2
    if variance <= MOST_DEVIATIONS**-2:
        known = variance = 0.0
    spread, far = math.sqrt(variance + known), score - centre
    deviations = far / max(spread, abs(far) / MOST_DEVIATIONS) if spread and far else 0.0
    freedom = degrees * (1 + known / variance) if variance else float(degrees)
    return Prediction(
        lineage=lineage,
        centre=centre,
        spread=spread,
        deviations=deviations,
        degrees=min(freedom, MOST_DEGREES),
        p_value=float(stdtr(min(freedom, MOST_DEGREES), deviations)) if spread else 1.0,
    )


def decisive(found: Sequence[Prediction]) -> Prediction | None:
    """The one that speaks least for an accusation; None if there is none."""
    return max(found, key=lambda one: one.p_value, default=None)


def called(
    score: float,
    references: Sequence[float],
    lineages: Sequence[str | None],
    own: str | None,
    alpha: float,
) -> bool:
    """Whether a suspect is closer than every reference and than an innocent is likely to be.

    Parameters are those of `predictions`, and the false-positive rate.
    """
    if not references or score >= min(references):
        return False
    worst = decisive(predictions(score, references, lineages, own))
    return worst is not None and worst.p_value <= alpha


def spent(look: int, planned: int) -> float:
    """Which share of alpha a look gets: a tenth before the last one, the last one what is left.

    Parameters
    ----------
    look
        1 to `planned`.
    planned
        How many looks there could be, at most 9.
    """
    return EARLY if look < planned else 1 - EARLY * (planned - 1)


class PredictionLooks:
    """Calls a suspect derived at any of several looks, each by its share of alpha.

    Whatever the looks have to do with each other, alpha holds over all of them (Bonferroni).

    Parameters
    ----------
    alpha
        The false-positive rate of all looks together.
    planned
        How many there could be.
    lineages
        Of the references.
    own
        The victim's, if it is stated.
    """

    def __init__(
        self, alpha: float, planned: int, lineages: Sequence[str | None], own: str | None
    ) -> None:
        self._alpha, self._planned = alpha, planned
        self._lineages, self._own = lineages, own
        self.called, self.looks = False, 0

    def look(self, numbers: Sequence[float], *, last: bool) -> bool:  # noqa: ARG002
        """Whether the suspect is called derived by now.

        Parameters
        ----------
        numbers
            The pool's, the suspect's first.
        last
            Whether there will be no more looks, which changes nothing here.
        """
        score, *others = numbers
        self.looks += 1
        level = self._alpha * spent(self.looks, self._planned)
        self.called = called(score, others, self._lineages, self._own, level)
        return self.called
