"""JPEG-compressed images (SAC-JC)."""

from __future__ import annotations

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet, encoded
from birthmark.models.adapters import Suspect
from birthmark.probes.base import PROBES, Draw, Drawn, drawn
from birthmark.probes.companions import Companions


class Jpeg:
    """Images compressed by JPEG, so that what all models share fades.

    Source: SAC-JC, arXiv 2412.20768; severities 1 to 5 are the qualities 25, 18, 15, 10 and 7.

    Parameters
    ----------
    quality
        Pillow's quality, 1 to 95; colour is subsampled 4:2:0.

    Raises
    ------
    BirthmarkError
        If the quality is out of range.
    """

    asks_victim = False
    asks_companions = False
    true_labels = True

    def __init__(self, *, quality: int | str) -> None:
        self.quality = int(quality)
        if not 1 <= self.quality <= 95:
            raise BirthmarkError(f"jpeg{quality}", "quality is not 1 to 95", "use jpeg25")

    @property
    def name(self) -> str:
        """`jpeg` and the quality."""
        return f"jpeg{self.quality}"

    def select(
        self,
        images: ImageSet,
        victim: Suspect | None,  # noqa: ARG002
        n: int,
        draw: Draw,
        resize: tuple[int, int] | None = None,
        companions: Companions = Companions(),  # noqa: ARG002
    ) -> list[Image]:
        """Compress n drawn images."""
        return drawn(images, n, draw, resize, suffix="jpg", code=self._compressed)

    def _compressed(self, one: Drawn) -> bytes:
        return encoded(one.picture, "JPEG", quality=self.quality, subsampling="4:2:0")


PROBES.register(r"jpeg(?P<quality>\d{1,2})", example="jpeg25")(Jpeg)
