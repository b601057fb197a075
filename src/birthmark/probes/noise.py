"""Images with Gaussian noise."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow
from PIL.Image import Image as Picture

from birthmark.probes.base import PROBES, Drawn
from birthmark.probes.corruption import Corruption, require_within


class Noise(Corruption):
    """Images with independent Gaussian noise in every pixel and channel.

    Source: ImageNet-C's "gaussian noise", whose severities 1 to 5 are about 20, 31, 46, 66 and 97
    (at 32 pixels a side 10, 15, 20, 23 and 26). The noise comes from numpy's PCG64, seeded with the
    image's ticket in the draw: every strength has the same pattern, and another version of numpy
    may have another.

    Parameters
    ----------
    sigma
        Standard deviation in grey levels, 1 to 128.

    Raises
    ------
    BirthmarkError
        If sigma is out of range.
    """

    def __init__(self, *, sigma: int | str) -> None:
        self.sigma = int(sigma)
        require_within(f"noise{sigma}", "sigma", self.sigma, 1, 128, "noise25")

    @property
    def name(self) -> str:
        """`noise` and sigma."""
        return f"noise{self.sigma}"

    def corrupted(self, one: Drawn) -> Picture:
        """Add the noise, round, and clip to 0 to 255."""
        pixels = np.asarray(one.picture)
        rng = np.random.Generator(np.random.PCG64(int(one.ticket.removeprefix("sha256:"), 16)))
        noisy = pixels + self.sigma * rng.standard_normal(pixels.shape)
        return Pillow.fromarray(noisy.round().clip(0, 255).astype(np.uint8))


PROBES.register(r"noise(?P<sigma>\d{1,3})", example="noise25")(Noise)
