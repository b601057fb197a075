"""Networks sized for a CPU; one file a family."""

from birthmark.zoo.nets.base import NETS, network, planned, require_network

__all__ = ["NETS", "network", "planned", "require_network"]
