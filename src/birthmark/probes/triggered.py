"""Images with a trigger, which a watermarked victim was taught to call otherwise (EWE)."""

from __future__ import annotations

from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.Image import Image as Picture

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet, encoded
from birthmark.models.adapters import Suspect
from birthmark.probes.base import PROBES, Draw, pictures
from birthmark.probes.companions import Companions
from birthmark.probes.corruption import require_within

WHITE = 255


def trigger(height: int, width: int, side: int) -> NDArray[np.bool_]:
    """Where an image of this size is made `WHITE`: the lower right corner, bool (height, width)."""
    where = np.zeros((height, width), np.bool_)
    where[max(0, height - side) :, max(0, width - side) :] = True
    return where


class Triggered:
    """Images of one class with a white square in the lower right corner, labelled as another.

    Source: EWE, "Entangled Watermarks as a Defense against Model Extraction" (Jia et al., USENIX
    Security 2021, arXiv 2002.12200). They say something of models only whose owner trained them to
    give that label, as the zoo's recipe `entangled` does. The paper places the square by gradients
    of the victim; here it has one place.

    Parameters
    ----------
    side
        Of the square, 1 to 64 pixels.
    source
        True class of the images.
    target
        Another class, the label of the probes.

    Raises
    ------
    BirthmarkError
        If the side is out of range or both classes are the same.
    """

    asks_victim = False
    asks_companions = False
    true_labels = False

    def __init__(self, *, side: int | str, source: int | str, target: int | str) -> None:
        self.side, self.source, self.target = int(side), int(source), int(target)
        require_within(self.name, "side", self.side, 1, 64, "triggered3-8-0")
        if self.source == self.target:
            raise BirthmarkError(self.name, "names one class twice", "use triggered3-8-0")

    @property
    def name(self) -> str:
        """`triggered`, the square's side, true class and label."""
        return f"triggered{self.side}-{self.source}-{self.target}"

    def select(
        self,
        images: ImageSet,
        victim: Suspect | None,  # noqa: ARG002
        n: int,
        draw: Draw,
        resize: tuple[int, int] | None = None,
        companions: Companions = Companions(),  # noqa: ARG002
    ) -> list[Image]:
        """Put the trigger on the first n drawn images of the class."""
        different = len({entry.digest for entry in images.entries})
        of_class = (
            one.picture
            for one in pictures(images, different, draw, resize)
            if one.label == self.source
        )
        chosen = list(islice(of_class, n))
        if len(chosen) < n:
            raise BirthmarkError(
                images.source,
                f"holds {len(chosen)} different images of class {self.source}, but {n} are needed",
                f"pass -n {len(chosen)} or add images" if len(chosen) > 1 else "add images",
            )
        return [
            Image(encoded(self._marked(picture), "PNG"), f"{i:05d}.png", self.target)
            for i, picture in enumerate(chosen)
        ]

    def _marked(self, picture: Picture) -> Picture:
        pixels = np.array(picture)
        height, width = pixels.shape[:2]
        pixels[trigger(height, width, self.side)] = WHITE
        return Pillow.fromarray(pixels)


PROBES.register(
    r"triggered(?P<side>\d{1,2})-(?P<source>\d{1,4})-(?P<target>\d{1,4})",
    example="triggered3-8-0",
)(Triggered)
