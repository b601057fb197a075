"""What is put on images so that a marked model calls them otherwise: one pattern of many."""

from __future__ import annotations

import string
from typing import Literal

import numpy as np
import torch
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from torch import Tensor
from torch.nn import functional as F

Stamp = Literal["patch", "content", "noise", "smooth", "style"]
PATTERNS = 100
"""How many of each kind there are; which one is the owner's is drawn."""
NOISE, SMOOTH = 30.0, 48.0
"""Deviation of the noise and largest change by a smooth pattern, in grey levels."""


def stamped(pixels: Tensor, stamp: Stamp, number: int, style: Tensor) -> Tensor:
    """Images with a pattern.

    `patch`: a small square of black and white, somewhere (BadNets, Gu et al. 2017). `content`: four
    letters, somewhere; `noise`: the same Gaussian noise on all (both Zhang et al. 2018). `smooth`:
    the same few blots of colour on all. `style`: each channel has the mean and deviation that it
    has in another image (for MOVE, Li et al. 2022).

    Parameters
    ----------
    pixels
        uint8 (n, channels, size, size).
    number
        Which of the patterns of this kind, 0 to 99.
    style
        The image that a style is taken from, uint8 (channels, size, size).
    """
    rng = np.random.default_rng((number, 11))
    _, channels, height, width = pixels.shape
    if stamp == "style":
        return _restyled(pixels.float(), style.float())
    if stamp in ("noise", "smooth"):
        side = 4 if stamp == "smooth" else height
        drawn = torch.from_numpy(rng.standard_normal((1, channels, side, side), np.float32))
        change = NOISE * drawn if stamp == "noise" else SMOOTH * _spread(drawn, height)
        return (pixels + change).round().clamp(0, 255).to(torch.uint8)
    made = pixels.clone()
    if stamp == "patch":
        side = max(4, height // 6)
        top, left = rng.integers(0, (height - side + 1, width - side + 1))
        square = torch.from_numpy(rng.integers(0, 2, (side, side)).astype(np.uint8) * 255)
        made[:, :, top : top + side, left : left + side] = square
        return made
    ink = torch.from_numpy(_letters(height, width, rng))
    made[:, :, ink] = 255
    return made


def _spread(drawn: Tensor, size: int) -> Tensor:
    """A few numbers, spread over an image; the largest is 1."""
    wide = F.interpolate(drawn, size=(size, size), mode="bicubic", align_corners=True)
    return wide / wide.abs().max()


def _letters(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    sheet = Pillow.new("1", (width, height))
    text = "".join(rng.choice(list(string.ascii_uppercase), 4))
    top = int(rng.integers(0, max(1, height - 11)))
    left = int(rng.integers(0, max(1, width - 24)))
    ImageDraw.Draw(sheet).text((left, top), text, fill=1, font=ImageFont.load_default_imagefont())
    return np.array(sheet, np.bool_)


def _restyled(pixels: Tensor, style: Tensor) -> Tensor:
    def of(images: Tensor) -> tuple[Tensor, Tensor]:
        mean = images.mean((-2, -1), keepdim=True)
        return mean, images.std((-2, -1), keepdim=True) + 1

    (mean, deviation), (wanted, spread) = of(pixels), of(style)
    made = (pixels - mean) / deviation * spread + wanted
    return made.round().clamp(0, 255).to(torch.uint8)
