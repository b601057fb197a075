"""ConvMixer-like (Trockman & Kolter 2022): patches, then depthwise and pointwise convolutions."""

from __future__ import annotations

from torch import Tensor, nn

from birthmark.training.nets.base import NETS
from birthmark.training.nets.blocks import pooled_head


class Mixing(nn.Module):
    """A large depthwise convolution with a shortcut, then a pointwise one."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.across = nn.Sequential(
            nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width),
            nn.GELU(),
            nn.BatchNorm2d(width),
        )
        self.within = nn.Sequential(nn.Conv2d(width, width, 1), nn.GELU(), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, h, w) to the same shape."""
        y: Tensor = self.within(x + self.across(x))
        return y


def mixer(*, outputs: int, channels: int, size: int, core: int) -> nn.Module:
    """About 50,000 weights."""
    patch = max(1, 2 * size // core)
    return nn.Sequential(
        nn.Conv2d(channels, 96, patch, patch),
        nn.GELU(),
        nn.BatchNorm2d(96),
        *(Mixing(96, 5) for _ in range(4)),
        *pooled_head(96, outputs),
    )


NETS.register(r"mixer", example="mixer")(lambda: mixer)
