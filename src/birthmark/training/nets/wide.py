"""A plain wide network (after Springenberg et al. 2015): few large convolutions, no pooling."""

from __future__ import annotations

from torch import nn

from birthmark.training.nets.base import NETS
from birthmark.training.nets.blocks import block, pooled_head, stem


def wide(*, outputs: int, channels: int, size: int, core: int) -> nn.Module:
    """About 180,000 weights."""
    return nn.Sequential(
        stem(channels, 32, size, core),
        block(32, 96, kernel=5, stride=2),
        block(96, 96, kernel=3, stride=2),
        block(96, 192, kernel=1),
        *pooled_head(192, outputs),
    )


NETS.register(r"wide", example="wide")(lambda: wide)
