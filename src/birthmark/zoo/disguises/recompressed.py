"""Images JPEG-coded once more before the model sees them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from PIL import Image as Pillow
from pydantic import Field

from birthmark.data.images import encoded
from birthmark.zoo.disguises.base import DISGUISES, Disguise, Pixels


class Recompressed(Disguise):
    """JPEG of a Pillow quality, 4:2:0."""

    changes_input: ClassVar[bool] = True
    quality: int = Field(default=50, ge=1, le=95)

    def seen(self, pixels: Pixels) -> Pixels:
        """Coded and decoded."""
        return np.stack([recompressed(image, self.quality) for image in pixels])


def recompressed(pixels: Pixels, quality: int) -> Pixels:
    """One image, (channels, height, width), through JPEG."""
    import io

    grey = pixels.shape[0] == 1
    picture = Pillow.fromarray(pixels[0] if grey else pixels.transpose(1, 2, 0))
    data = encoded(picture, "JPEG", quality=quality, subsampling="4:2:0")
    array = np.asarray(Pillow.open(io.BytesIO(data), formats=["JPEG"]))
    return array[None] if grey else array.transpose(2, 0, 1)


DISGUISES.register(r"recompressed", example="recompressed")(lambda: Recompressed)
