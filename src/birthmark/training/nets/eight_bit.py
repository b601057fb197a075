"""Layers that are given numbers of 8 bits."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class EightBit(nn.Module):
    """A layer whose input is rounded to 256 levels."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.low: Tensor
        self.high: Tensor
        self.register_buffer("low", torch.tensor(float("inf")))
        self.register_buffer("high", torch.tensor(float("-inf")))
        self.watching = False

    def forward(self, x: Tensor) -> Tensor:
        """Round, then apply the layer; while watching, note the range instead."""
        if self.watching:
            self.low, self.high = (
                torch.minimum(self.low, x.min()),
                torch.maximum(self.high, x.max()),
            )
        else:
            step = (self.high - self.low) / 255
            x = ((x - self.low) / step).round().clamp(0, 255) * step + self.low
        y: Tensor = self.layer(x)
        return y


def put_in_eight_bits(net: nn.Module) -> None:
    """Put an `EightBit` around every convolution and linear layer."""
    found = [(n, m) for n, m in net.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for name, layer in found:
        owner, _, attribute = name.rpartition(".")
        setattr(net.get_submodule(owner), attribute, EightBit(layer))
