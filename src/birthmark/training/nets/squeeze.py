"""Squeeze-and-excitation (Hu et al. 2018): channels weighted by what the whole image shows."""

from __future__ import annotations

from torch import Tensor, nn

from birthmark.training.nets.base import NETS
from birthmark.training.nets.blocks import block, pooled_head, stem


class Excited(nn.Module):
    """A convolution whose channels are weighted."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.filtered = block(inputs, outputs)
        self.weights = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(outputs, outputs // 8, 1),
            nn.ReLU(),
            nn.Conv2d(outputs // 8, outputs, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, outputs, h, w)."""
        y = self.filtered(x)
        weighted: Tensor = y * self.weights(y)
        return weighted


def squeeze(*, outputs: int, channels: int, size: int, core: int) -> nn.Module:
    """About 110,000 weights."""
    return nn.Sequential(
        stem(channels, 16, size, core),
        Excited(16, 32),
        nn.MaxPool2d(2),
        Excited(32, 64),
        nn.MaxPool2d(2),
        Excited(64, 128),
        *pooled_head(128, outputs),
    )


NETS.register(r"squeeze", example="squeeze")(lambda: squeeze)
