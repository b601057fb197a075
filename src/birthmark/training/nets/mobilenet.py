"""MobileNetV2-like (Sandler et al. 2018): inverted residuals with depthwise convolutions."""

from __future__ import annotations

from torch import Tensor, nn

from birthmark.training.nets.base import NETS
from birthmark.training.nets.blocks import block, pooled_head, stem


class Inverted(nn.Module):
    """Widen, filter each channel alone, narrow; a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, stride: int, widening: int = 3) -> None:
        super().__init__()
        hidden = inputs * widening
        self.layers = nn.Sequential(
            block(inputs, hidden, kernel=1),
            block(hidden, hidden, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        y: Tensor = self.layers(x)
        return x + y if self.shortcut else y


def mobilenet(*, outputs: int, channels: int, size: int, core: int) -> nn.Module:
    """About 50,000 weights."""
    return nn.Sequential(
        stem(channels, 16, size, core),
        Inverted(16, 24, 1),
        Inverted(24, 40, 2),
        Inverted(40, 40, 1),
        Inverted(40, 80, 2),
        block(80, 160, kernel=1),
        *pooled_head(160, outputs),
    )


NETS.register(r"mobilenet", example="mobilenet")(lambda: mobilenet)
