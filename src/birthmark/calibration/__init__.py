"""How sure a score makes us."""

from birthmark.calibration.bounds import interval, rate_below
from birthmark.calibration.conformal import conformal_p, references_needed, smallest_p
from birthmark.calibration.lineages import (
    LineageRank,
    by_lineage,
    held_rate,
    lineage_rate,
    possible,
    standardised,
)
from birthmark.calibration.mantel import Mantel, mantel_of, partial_mantel
from birthmark.calibration.sequential import Sequential
from birthmark.calibration.unseen import Unseen, UnseenLooks, enough, unseen

__all__ = [
    "LineageRank",
    "Mantel",
    "Sequential",
    "Unseen",
    "UnseenLooks",
    "by_lineage",
    "conformal_p",
    "enough",
    "held_rate",
    "interval",
    "lineage_rate",
    "mantel_of",
    "partial_mantel",
    "possible",
    "rate_below",
    "references_needed",
    "smallest_p",
    "standardised",
    "unseen",
]
