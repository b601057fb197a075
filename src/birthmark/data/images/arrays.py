"""Images as arrays of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from birthmark.common.errors import BirthmarkError
from birthmark.common.progress import Progress
from birthmark.data.images.entry import Entry, Listing
from birthmark.data.images.image import array_digest, encoded


def from_arrays(
    images: NDArray[np.uint8],
    labels: Sequence[int] | NDArray[np.integer[Any]] | None,
    source: str,
    progress: Progress,
) -> Listing:
    """Take images and labels as `ImageSet.from_arrays` does; each becomes a PNG when it is read.

    Raises
    ------
    BirthmarkError
        If dtype, shape or the number of labels is another.
    """
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise BirthmarkError(
            source,
            f"images are {images.dtype} {images.shape}",
            "pass uint8 (n, height, width) or (n, height, width, 1 or 3)",
        )
    images = images[..., None] if images.ndim == 3 else images
    if images.shape[3] not in (1, 3):
        raise BirthmarkError(source, f"images have {images.shape[3]} channels", "pass 1 or 3")
    if 0 in images.shape[1:3]:
        raise BirthmarkError(source, "images have no pixels", "remove them")
    stated = np.asarray([] if labels is None else labels)
    if stated.ndim != 1 or (len(stated) and stated.dtype.kind not in "iu"):
        raise BirthmarkError(
            source, f"labels are {stated.dtype} {stated.shape}", "pass integers (n,)"
        )
    if labels is not None and len(labels) != len(images):
        raise BirthmarkError(
            source,
            f"{len(images)} images but {len(labels)} labels",
            "pass one label for each image",
        )
    height, width = images.shape[1:3]
    entries = []
    for i, pixels in enumerate(images):
        label = None if labels is None else int(labels[i])
        digest = array_digest(pixels)
        colour = images.shape[3] == 3
        entries.append(Entry(f"{source}[{i}]", label, digest, (width, height), colour))
        progress("Reading images", i + 1, len(images))

    def read(i: int) -> bytes:
        pixels = images[i]
        return encoded(
            Pillow.fromarray(pixels[..., 0] if len(pixels[0, 0]) == 1 else pixels), "PNG"
        )

    return Listing(entries, read)
