"""Many suspects and fingerprints in one table and one map."""

from birthmark.comparison.compare import compare
from birthmark.comparison.table import Comparison, Map, Row

__all__ = ["Comparison", "Map", "Row", "compare"]
