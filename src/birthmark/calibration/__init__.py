"""How sure a score makes us."""

from birthmark.calibration.bounds import interval, rate_below
from birthmark.calibration.conformal import conformal_p, references_needed, smallest_p
from birthmark.calibration.families import (
    FamilyRank,
    by_family,
    family_rate,
    held_rate,
    possible,
    standardised,
)
from birthmark.calibration.mantel import Mantel, mantel_of, partial_mantel
from birthmark.calibration.sequential import Sequential

__all__ = [
    "FamilyRank",
    "Mantel",
    "Sequential",
    "by_family",
    "conformal_p",
    "family_rate",
    "held_rate",
    "interval",
    "mantel_of",
    "partial_mantel",
    "possible",
    "rate_below",
    "references_needed",
    "smallest_p",
    "standardised",
]
