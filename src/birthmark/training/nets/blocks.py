"""Layers that the families share."""

from __future__ import annotations

from torch import nn


def block(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1
) -> nn.Module:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def stem(channels: int, width: int, size: int, core: int) -> nn.Module:
    """First layer: brings images of any size to about (width, core, core)."""
    stride = max(1, size // core)
    return nn.Sequential(
        nn.Conv2d(channels, width, stride + 2, stride, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )


def pooled_head(width: int, outputs: int) -> list[nn.Module]:
    """Mean over positions, then the classifier."""
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, outputs)]
