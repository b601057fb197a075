"""What `derived` takes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from birthmark.common.errors import BirthmarkError

ALPHA = 0.01
"""The false-positive rate to accept, if not said."""


class Rule(StrEnum):
    """What `derived` takes."""

    UNSEEN = "unseen"
    """Closer than every reference, and than an innocent of any lineage is likely to come."""
    RANK = "rank"
    """A close rank among all references, and among those of every lineage."""

    @classmethod
    def _missing_(cls, value: object) -> Rule:
        raise BirthmarkError("--rule", f"is {value!r}", f"pass {' or '.join(cls)}")


def line(
    rule: Rule,
    score: float,
    references: Sequence[float],
    lineages: Sequence[str | None],
    own: str | None,
    level: float,
) -> float:
    """The score below which a suspect is called derived, if nothing else forbids.

    Parameters
    ----------
    rule
        By the rule `unseen`: p <= level, and no reference lies below. By the rule `rank` the score
        of the k-th closest of n references, k being the largest rank that the level allows:
        k / (n + 1) <= level.
    score
        The suspect's.
    references, lineages
        The references' scores and lineages.
    own
        The victim's lineage, if it is stated.
    level
        The p-value that derived takes.
    """
    from birthmark.calibration import held_rate, predictions

    ordered = sorted(references)
    if rule is Rule.RANK:
        return ordered[round(held_rate(level, len(ordered)) * (len(ordered) + 1)) - 1]
    found = predictions(score, references, lineages, own)
    return min(ordered[0], *(one.below(level) for one in found))
