"""A small vision transformer (Dosovitskiy et al. 2021) with a convolutional first layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from birthmark.training.nets.base import NETS
from birthmark.training.nets.blocks import block, stem


class Transformer(nn.Module):
    """Patches with learnt places, `depth` layers of attention, and the mean over patches."""

    def __init__(self, width: int, depth: int, patches: int) -> None:
        super().__init__()
        self.places = nn.Parameter(0.02 * torch.randn(1, patches, width))
        self.layers = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(
                    width, 4, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True
                )
                for _ in range(depth)
            )
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, h, w) to (n, width)."""
        y: Tensor = self.norm(self.layers(x.flatten(2).transpose(1, 2) + self.places))
        return y.mean(1)


def vit(*, outputs: int, channels: int, size: int, core: int) -> nn.Module:
    """About 170,000 weights."""
    patches = nn.Sequential(
        stem(channels, 32, size, core), block(32, 64, stride=2), nn.Conv2d(64, 80, 2, 2)
    )
    with torch.no_grad():
        places = patches.eval()(torch.zeros(1, channels, size, size)).flatten(2).shape[2]
    return nn.Sequential(patches.train(), Transformer(80, 3, places), nn.Linear(80, outputs))


NETS.register(r"vit", example="vit")(lambda: vit)
