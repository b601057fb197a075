"""Networks for a plan's images."""

from __future__ import annotations

from torch import nn

from birthmark.training.nets import network
from birthmark.training.nets.head import head
from birthmark.zoo.plan import Plan


def require_network(name: str, plan: Plan) -> None:
    """Find out before any training that a network can be made and ends in a linear layer.

    Raises
    ------
    BirthmarkError
        If not.
    """
    head(planned(name, plan, outputs=2))


def planned(name: str, plan: Plan, outputs: int) -> nn.Module:
    """Make a network for a plan's images; see `birthmark.training.nets.network`."""
    images = plan.images
    return network(
        name, outputs=outputs, channels=images.channels, size=images.size, core=plan.core
    )
