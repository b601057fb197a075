"""Many suspects and fingerprints in one table and one map."""

from birthmark.comparison.compare import compare
from birthmark.comparison.map import Map
from birthmark.comparison.row import Row
from birthmark.comparison.table import Comparison

__all__ = ["Comparison", "Map", "Row", "compare"]
