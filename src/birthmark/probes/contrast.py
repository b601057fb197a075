"""Images with less contrast."""

from __future__ import annotations

from PIL.Image import Image as Picture
from PIL.ImageEnhance import Contrast as Enhancer

from birthmark.probes.base import PROBES, Drawn
from birthmark.probes.corruption import Corruption, require_within


class Contrast(Corruption):
    """Images drawn towards their own mean grey by Pillow's ImageEnhance.Contrast.

    Source: ImageNet-C's "contrast", whose severities 1 to 5 are 40, 30, 20, 10 and 5 % (at 32
    pixels a side 75, 50, 40, 30 and 15 %); it draws each channel towards that channel's mean.

    Parameters
    ----------
    percent
        How much contrast is left, 1 to 99.

    Raises
    ------
    BirthmarkError
        If the percentage is out of range.
    """

    def __init__(self, *, percent: int | str) -> None:
        self.percent = int(percent)
        require_within(f"contrast{percent}", "percentage", self.percent, 1, 99, "contrast40")

    @property
    def name(self) -> str:
        """`contrast` and the percentage."""
        return f"contrast{self.percent}"

    def corrupted(self, one: Drawn) -> Picture:
        """Reduce the contrast."""
        return Enhancer(one.picture).enhance(self.percent / 100)


PROBES.register(r"contrast(?P<percent>\d{1,3})", example="contrast40")(Contrast)
