"""VGG-like (Simonyan & Zisserman 2015): plain 3x3 convolutions, pooling, a flat classifier."""

from __future__ import annotations

from torch import nn

from birthmark.training.nets.base import NETS
from birthmark.training.nets.blocks import block, stem


def vgg(*, outputs: int, channels: int, size: int, core: int) -> nn.Module:
    """About 100,000 weights."""
    layers: list[nn.Module] = [stem(channels, 16, size, core)]
    for inputs, width in ((16, 32), (32, 64), (64, 128)):
        layers += [block(inputs, width), nn.MaxPool2d(2)]
    return nn.Sequential(
        *layers,
        nn.AdaptiveAvgPool2d(max(2, core // 8)),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(128 * max(2, core // 8) ** 2, outputs),
    )


NETS.register(r"vgg", example="vgg")(lambda: vgg)
