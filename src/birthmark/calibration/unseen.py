"""How far below innocent models a suspect stands, if its lineage is none of the references'."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

LEAST_LINEAGES = 2
"""References of fewer predict nothing."""
MOST_DEVIATIONS = 1e9
"""Told where the references do not differ at all."""


class Unseen(BaseModel):
    """A suspect's score against the prediction for an innocent of a lineage not seen here.

    Lineages are random effects: an innocent's score is the mean of its lineage and its own
    deviation from it. The references tell how much lineages differ and how much models within one
    do; an innocent suspect is one more draw of both. So neither its lineage need be known nor
    references of it be had, if lineages and models are drawn from about normal populations.

    Source: the prediction interval of a one-way random-effects model; lineages' means with equal
    weight, the variance between them by the method of moments. Held at its rate by
    `tests/theory/test_unseen_rate.py`.

    Attributes
    ----------
    centre
        The mean of the lineages' means.
    spread
        The predicted standard deviation of an innocent's score from it, the references' own
        uncertainty included; at least 0.
    deviations
        How many of these the suspect lies above the centre; below is closer to the victim.
    degrees
        Of Student's t: lineages less one.
    p_value
        How often an innocent comes as close or closer, 0 to 1.
    lineages
        How many lineages the references are of.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    centre: float
    spread: float
    deviations: float
    degrees: int
    p_value: float
    lineages: int

    def below(self, alpha: float) -> float:
        """The score from which on down p <= alpha."""
        from scipy.special import stdtrit

        return self.centre + self.spread * float(stdtrit(self.degrees, alpha))


def enough(lineages: Sequence[str | None]) -> bool:
    """Whether references of these lineages predict anything; those of no stated one count as one.

    Two of two lineages do, weakly: with k lineages the suspect has to lie so many deviations
    below the others for p = .01: 32 with two, 7 with three, 3.7 with five, 2.8 with ten.
    """
    return len(set(lineages)) >= LEAST_LINEAGES


class UnseenLooks:
    """Calls a suspect derived at any of several looks, each by an equal share of alpha.

    Whatever the looks have to do with each other, alpha holds over all of them (Bonferroni).

    Parameters
    ----------
    share
        alpha by the number of looks.
    lineages
        Of the references; `enough` of them.
    """

    def __init__(self, share: float, lineages: Sequence[str | None]) -> None:
        self._share, self._lineages = share, lineages
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
        own, *others = numbers
        self.looks += 1
        close = own < min(others)
        self.called = close and unseen(own, others, self._lineages).p_value <= self._share
        return self.called


def unseen(score: float, references: Sequence[float], lineages: Sequence[str | None]) -> Unseen:
    """Compare a suspect with the prediction for an innocent of an unseen lineage.

    Parameters
    ----------
    score
        The suspect's; smaller is closer.
    references
        The references' scores, from one pool with the suspect's.
    lineages
        Theirs; `enough` of them.
    """
    from scipy.special import stdtr

    names = sorted(set(lineages), key=str)
    values = np.asarray(references, np.float64)
    inside = [np.array([one == name for one in lineages]) for name in names]
    counts = np.array([some.sum() for some in inside])
    means = np.array([values[some].mean() for some in inside])
    k, n = len(names), len(values)
    residual = sum(float(((values[some] - values[some].mean()) ** 2).sum()) for some in inside)
    within = residual / (n - k) if n > k else 0.0
    share = float((1 / counts).mean())
    between = max(0.0, float(means.var(ddof=1)) - within * share)
    variance = between * (1 + 1 / k) + within * (1 + share / k)
    centre, spread = float(means.mean()), math.sqrt(variance)
    far = score - centre
    deviations = far / max(spread, abs(far) / MOST_DEVIATIONS) if far else 0.0
    return Unseen(
        centre=centre,
        spread=spread,
        deviations=deviations,
        degrees=k - 1,
        p_value=float(stdtr(k - 1, deviations)),
        lineages=k,
    )
