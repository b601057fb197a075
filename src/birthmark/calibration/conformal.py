"""Conformal p-values against reference models."""

from __future__ import annotations

import math
from collections.abc import Sequence


def conformal_p(score: float, references: Sequence[float]) -> float:
    """Share of models at most as far from the victim, the suspect counted among them.

    If an innocent suspect is exchangeable with the n reference models, then
    P(p <= alpha) <= floor(alpha (n + 1)) / (n + 1) <= alpha, whatever the scores' distribution.
    Ties count against the accusation. Source: Vovk, Gammerman and Shafer, Algorithmic Learning
    in a Random World, 2005, chapter 2.

    Parameters
    ----------
    score
        The suspect's score; smaller is closer.
    references
        The reference models' scores.

    Returns
    -------
    float
        1 / (n + 1) to 1.
    """
    at_most_as_far = sum(reference <= score for reference in references)
    return (1 + at_most_as_far) / (len(references) + 1)


def smallest_p(references: int) -> float:
    """The smallest p-value that a number of reference models can give."""
    return 1 / (references + 1)


def references_needed(alpha: float) -> int:
    """How many reference models it takes for p <= alpha to be possible at all.

    Parameters
    ----------
    alpha
        Between 0 and 1, both excluded.
    """
    n = max(0, math.floor(1 / alpha) - 2)
    while smallest_p(n) > alpha:
        n += 1
    return n
