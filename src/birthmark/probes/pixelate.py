"""Images of coarse blocks."""

from __future__ import annotations

from PIL.Image import Image as Picture
from PIL.Image import Resampling

from birthmark.common.errors import BirthmarkError
from birthmark.probes.base import PROBES, Drawn
from birthmark.probes.corruption import Corruption, require_within


class Pixelate(Corruption):
    """Images whose blocks of factor x factor pixels are each filled with their mean.

    Source: ImageNet-C's "pixelate", whose severities 1 to 5 shrink the sides to 60, 50, 40, 30 and
    25 %, so that 2 is `pixelate2` and 5 is `pixelate4`; the others, and those for 32 pixels a side
    (95 to 65 %), are no whole factors. Where the factor does not divide a side, the last blocks are
    cut off.

    Parameters
    ----------
    factor
        A block's side in pixels, 2 to 64 and at most half the image's shorter side.

    Raises
    ------
    BirthmarkError
        If the factor is out of range.
    """

    def __init__(self, *, factor: int | str) -> None:
        self.factor = int(factor)
        require_within(f"pixelate{factor}", "factor", self.factor, 2, 64, "pixelate2")

    @property
    def name(self) -> str:
        """`pixelate` and the factor."""
        return f"pixelate{self.factor}"

    def corrupted(self, one: Drawn) -> Picture:
        """Average each block."""
        width, height = one.picture.size
        if 2 * self.factor > min(width, height):
            raise BirthmarkError(
                self.name,
                f"leaves fewer than two blocks per side of {width}x{height} images",
                "use a smaller factor, such as pixelate2",
            )
        small = one.picture.reduce(self.factor)
        whole = (small.width * self.factor, small.height * self.factor)
        return small.resize(whole, Resampling.NEAREST).crop((0, 0, width, height))


PROBES.register(r"pixelate(?P<factor>\d{1,2})", example="pixelate2")(Pixelate)
