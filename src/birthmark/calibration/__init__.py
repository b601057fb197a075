"""How sure a score makes us."""

from birthmark.calibration.conformal import conformal_p, references_needed, smallest_p

__all__ = ["conformal_p", "references_needed", "smallest_p"]
