"""Ways to make probes from images; one file a way."""

from birthmark.probes.base import PROBES, Draw, ProbeMethod

__all__ = ["PROBES", "Draw", "ProbeMethod"]
