"""Changes by chance that make a network see more than it is given."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Augment = Callable[[Tensor, torch.Generator], Tensor]
"""From uint8 pixels (n, channels, size, size) to pixels of the same shape, uint8 or float32."""


def none(pixels: Tensor, rng: torch.Generator) -> Tensor:  # noqa: ARG001
    """Nothing."""
    return pixels


def shift(pixels: Tensor, rng: torch.Generator) -> Tensor:
    """Half of them mirrored; all shifted alike, by up to a twelfth of the side."""
    n, size = len(pixels), pixels.shape[-1]
    flipped = torch.where(torch.rand(n, 1, 1, 1, generator=rng) < 0.5, pixels.flip(3), pixels)
    by = size // 12
    padded = F.pad(flipped, (by, by, by, by))
    down, right = torch.randint(0, 2 * by + 1, (2,), generator=rng).tolist()
    return padded[:, :, down : down + size, right : right + size]


def face(pixels: Tensor, rng: torch.Generator) -> Tensor:
    """Half of them mirrored; each turned by up to 10 degrees, scaled, shifted, lit otherwise."""
    n = len(pixels)

    def chance(*shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=rng) - 0.5

    lit = (pixels.float() - 128) * (1 + 0.5 * chance(1, 1, 1)) + 128 + 60 * chance(1, 1, 1)
    lit = lit + 30 * chance(pixels.shape[1], 1, 1)
    angle, zoom = chance() * math.radians(20), 1 + 0.25 * chance()
    mirror = torch.sign(chance())
    rows = torch.stack(
        [
            torch.stack([zoom * angle.cos() * mirror, -zoom * angle.sin(), 0.2 * chance()], 1),
            torch.stack([zoom * angle.sin() * mirror, zoom * angle.cos(), 0.2 * chance()], 1),
        ],
        1,
    )
    grid = F.affine_grid(rows, list(lit.shape), align_corners=False)
    return F.grid_sample(lit, grid, padding_mode="border", align_corners=False)


AUGMENTS: dict[str, Augment] = {"shift": shift, "face": face, "none": none}
