"""Pixels as networks take them, and what networks answer to them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MEAN, DEVIATION = 127.5, 64.0


def scaled(pixels: Tensor) -> Tensor:
    """Pixels, 0 to 255, to what networks take: mean 127.5 to 0, deviation 64 to 1."""
    return ((pixels.float() - MEAN) / DEVIATION).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def answers(model: nn.Module, pixels: Tensor, batch: int = 256, device: str = "cpu") -> Tensor:
    """float32 (n, outputs) on the CPU for uint8 (n, channels, size, size), in evaluation mode."""
    model.eval()
    return torch.cat([model(scaled(part).to(device)).cpu() for part in torch.split(pixels, batch)])
