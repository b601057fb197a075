"""ResNet (He et al. 2016): residual blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from birthmark.training.nets.base import NETS
from birthmark.training.nets.blocks import block, pooled_head, stem


class Residual(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = block(inputs, outputs, stride=stride)
        self.second = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        return torch.relu(self.second(self.first(x)) + self.shortcut(x))


def resnet(*, outputs: int, channels: int, size: int, core: int) -> nn.Module:
    """About 200,000 weights."""
    return nn.Sequential(
        stem(channels, 16, size, core),
        block(16, 32),
        Residual(32, 64, 2),
        Residual(64, 96, 2),
        *pooled_head(96, outputs),
    )


NETS.register(r"resnet", example="resnet")(lambda: resnet)
