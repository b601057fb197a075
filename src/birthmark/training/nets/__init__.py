"""Networks sized for a CPU; one file a family."""

from birthmark.training.nets.base import NETS, network

__all__ = ["NETS", "network"]
