"""DenseNet-like (Huang et al. 2017): each layer sees all before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from birthmark.training.nets.base import NETS
from birthmark.training.nets.blocks import block, pooled_head, stem


class Dense(nn.Module):
    """`layers` convolutions, each adding `growth` channels."""

    def __init__(self, inputs: int, growth: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(block(inputs + i * growth, growth) for i in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, inputs + layers * growth, h, w)."""
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return x


def densenet(*, outputs: int, channels: int, size: int, core: int) -> nn.Module:
    """About 100,000 weights."""
    return nn.Sequential(
        stem(channels, 24, size, core),
        Dense(24, 8, 1),
        nn.MaxPool2d(2),
        Dense(32, 16, 3),
        nn.MaxPool2d(2),
        Dense(80, 24, 2),
        block(128, 128, kernel=1),
        *pooled_head(128, outputs),
    )


NETS.register(r"densenet", example="densenet")(lambda: densenet)
