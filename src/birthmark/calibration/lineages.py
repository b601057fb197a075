"""Conformal p-values within each lineage of reference models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from birthmark.calibration.conformal import conformal_p, smallest_p

LEAST = 5
"""How many references of the victim's own lineage an accusation takes."""


class LineageRank(BaseModel):
    """Where a suspect stands among the references of one lineage.

    Attributes
    ----------
    lineage
        Its name.
    references
        How many there are.
    p_value
        The suspect's rank among them, as `conformal_p`.
    rate
        The largest false-positive rate of a rule that asks for p <= max(alpha, smallest p) here, if
        an innocent suspect is exchangeable with these references.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lineage: str
    references: int
    p_value: float
    rate: float

    @property
    def close_enough(self) -> bool:
        """Whether its rank allows an accusation."""
        return self.p_value <= self.rate


def by_lineage(
    score: float, references: Sequence[float], lineages: Sequence[str | None], alpha: float
) -> list[LineageRank]:
    """A suspect's rank within every lineage of references, by name (Mondrian).

    An innocent suspect of lineage f need only be exchangeable with the references of f: the others
    may be as unlike it as they like. So a rule that asks for p <= alpha within *every* lineage
    holds alpha for an innocent of any of them, whichever it is of. Where one is too small for that,
    the suspect must be closer than all of it, and the rate that holds there is 1 / (n + 1).

    Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, section 4.5.

    Parameters
    ----------
    score
        The suspect's; smaller is closer.
    references
        The references' scores, from one pool with the suspect's.
    lineages
        Their lineages; None if not stated, and then of none.
    alpha
        The rate asked for, 0 to 1.
    """
    members: dict[str, list[float]] = {}
    for number, lineage in zip(references, lineages, strict=True):
        if lineage is not None:
            members.setdefault(lineage, []).append(number)
    return [
        LineageRank(
            lineage=lineage,
            references=len(numbers),
            p_value=conformal_p(score, numbers),
            rate=lineage_rate(alpha, len(numbers)),
        )
        for lineage, numbers in sorted(members.items())
    ]


def standardised(numbers: Sequence[float], lineages: Sequence[str | None]) -> list[float]:
    """A pool's numbers in standard deviations of their own lineage, from its mean.

    All members of a lineage are treated alike, the suspect among them, so a rank among all of the
    pool is exact for an innocent whose lineage is known and drawn as the references' are. A lineage
    without spread gives 0.

    Parameters
    ----------
    numbers
        Of the suspect and the references, in one pool.
    lineages
        Theirs; those of None are a lineage of their own.
    """
    values = np.asarray(numbers, np.float64)
    result = np.zeros(len(values))
    for lineage in set(lineages):
        inside = np.array([one == lineage for one in lineages])
        spread = values[inside].std()
        if spread > 0:
            result[inside] = (values[inside] - values[inside].mean()) / spread
    found: list[float] = result.tolist()
    return found


def possible(lineages: Sequence[LineageRank], stated: str | None) -> list[LineageRank]:
    """The lineages that an innocent suspect can be of: the stated one, or all if it is not here."""
    return [one for one in lineages if one.lineage == stated] or list(lineages)


def held_rate(alpha: float, references: int) -> float:
    """The rate that `p <= alpha` holds: floor(alpha (n + 1)) / (n + 1), 0 to alpha."""
    possible = (k / (references + 1) for k in range(references + 2))
    return max(p for p in possible if p <= alpha)


def lineage_rate(alpha: float, references: int) -> float:
    """The rate that holds within a lineage of so many: `held_rate`, or the smallest there is."""
    return max(held_rate(alpha, references), smallest_p(references))
