"""Blurred images."""

from __future__ import annotations

from PIL.Image import Image as Picture
from PIL.ImageFilter import GaussianBlur

from birthmark.probes.base import PROBES, Drawn
from birthmark.probes.corruption import Corruption, require_within


class Blur(Corruption):
    """Images blurred by Pillow's GaussianBlur, which comes near a Gaussian by box blurs.

    Source: ImageNet-C's "gaussian blur", whose severities 1 to 5 are the radii 1, 2, 3, 4 and 6
    (at 32 pixels a side 0.4, 0.6, 0.7, 0.8 and 1).

    Parameters
    ----------
    radius
        Standard deviation in pixels, 0.1 to 20, in steps of 0.1.

    Raises
    ------
    BirthmarkError
        If the radius is out of range.
    """

    def __init__(self, *, radius: float | str) -> None:
        self.radius = float(radius)
        require_within(f"blur{radius}", "radius", self.radius, 0.1, 20, "blur1.5")

    @property
    def name(self) -> str:
        """`blur` and the radius."""
        return f"blur{self.radius:g}"

    def corrupted(self, one: Drawn) -> Picture:
        """Blur the image."""
        return one.picture.filter(GaussianBlur(self.radius))


PROBES.register(r"blur(?P<radius>\d{1,2}(\.\d)?)", example="blur1.5")(Blur)
