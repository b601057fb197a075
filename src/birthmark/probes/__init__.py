"""Ways to make probes from images; one file a way."""

from birthmark.probes.base import PROBES, Draw, ProbeMethod
from birthmark.probes.companions import Companions

__all__ = ["PROBES", "Companions", "Draw", "ProbeMethod"]
