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
from birthmark.calibration.mantel import Mantel, mantel_each, mantel_of, partial_mantel
from birthmark.calibration.prediction import (
    Prediction,
    PredictionLooks,
    called,
    decisive,
    enough,
    predictions,
    spent,
)
from birthmark.calibration.sequential import Sequential
from birthmark.calibration.strength import Power, Strength, power, strength

__all__ = [
    "LineageRank",
    "Mantel",
    "Power",
    "Prediction",
    "PredictionLooks",
    "Sequential",
    "Strength",
    "by_lineage",
    "called",
    "conformal_p",
    "decisive",
    "enough",
    "held_rate",
    "interval",
    "lineage_rate",
    "mantel_each",
    "mantel_of",
    "partial_mantel",
    "possible",
    "power",
    "predictions",
    "rate_below",
    "references_needed",
    "smallest_p",
    "spent",
    "standardised",
    "strength",
]
