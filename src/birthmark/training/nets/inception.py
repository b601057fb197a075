"""Inception-like (Szegedy et al. 2015): filters of several sizes side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from birthmark.training.nets.base import NETS
from birthmark.training.nets.blocks import block, pooled_head, stem


class Inception(nn.Module):
    """1x1, 3x3, 5x5 (as two 3x3) and pooling, each giving a quarter of the channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        part = outputs // 4
        self.branches = nn.ModuleList(
            [
                block(inputs, part, kernel=1),
                nn.Sequential(block(inputs, part, kernel=1), block(part, part)),
                nn.Sequential(block(inputs, part, kernel=1), block(part, part), block(part, part)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), block(inputs, part, kernel=1)),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, outputs, h, w)."""
        return torch.cat([branch(x) for branch in self.branches], 1)


def inception(*, outputs: int, channels: int, size: int, core: int) -> nn.Module:
    """About 70,000 weights."""
    return nn.Sequential(
        stem(channels, 24, size, core),
        Inception(24, 64),
        nn.MaxPool2d(2),
        Inception(64, 96),
        nn.MaxPool2d(2),
        Inception(96, 160),
        *pooled_head(160, outputs),
    )


NETS.register(r"inception", example="inception")(lambda: inception)
