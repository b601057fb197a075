"""Images blurred before the model sees them."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from birthmark.zoo.disguises.base import DISGUISES, Disguise, Pixels


class Smoothed(Disguise):
    """Gaussian blur of deviation `sigma` pixels."""

    changes_input: ClassVar[bool] = True
    sigma: float = Field(default=0.7, gt=0, le=5)

    def seen(self, pixels: Pixels) -> Pixels:
        """Blurred."""
        from scipy.ndimage import gaussian_filter

        blurred: Pixels = gaussian_filter(pixels, (0, 0, self.sigma, self.sigma))
        return blurred


DISGUISES.register(r"smoothed", example="smoothed")(lambda: Smoothed)
