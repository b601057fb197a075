"""Images of a data set in Python, such as torch's or Hugging Face's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.common.progress import Progress

FIX = "leave normalisation out of the data set's transform: images should be 0 to 1, or 0 to 255"


def from_dataset(
    dataset: Any, source: str, progress: Progress
) -> tuple[NDArray[np.uint8], list[int] | None]:
    """Pixels (n, height, width, channels) and labels of a data set that is read by position.

    Parameters
    ----------
    dataset
        Anything with a length and items: an image, a pair (image, label), or a mapping with
        `image` and perhaps `label`. An image is a PIL image, an array (height, width) or (height,
        width, channels), or a torch tensor (channels, height, width); whole numbers from 0 to 255,
        or numbers from 0 to 1.
    source
        How messages call it.
    progress
        Told after each image.

    Raises
    ------
    BirthmarkError
        If it is no data set, or images are normalised or of several sizes.
    """
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise BirthmarkError(
            source,
            f"are a {type(dataset).__name__}",
            "pass a path, an array, a pair (images, labels), or a data set with a length",
        )
    images, labels = [], []
    for place in range(len(dataset)):
        item = dataset[place]
        image, label = item, None
        if isinstance(item, dict):
            image, label = item.get("image"), item.get("label")
        elif isinstance(item, tuple | list):
            image, label = item[0], item[1] if len(item) > 1 else None
        images.append(_pixels(image, f"{source}[{place}]"))
        labels.append(label)
        if images[0].shape != images[-1].shape:
            raise BirthmarkError(
                f"{source}[{place}]",
                f"is {images[-1].shape}, while the first is {images[0].shape}",
                "resize them in the data set's transform",
            )
        progress("Reading images", place + 1, len(dataset))
    known = [int(label) for label in labels if label is not None]
    shown = np.stack(images) if images else np.empty((0, 1, 1), np.uint8)
    return shown, known if len(known) == len(labels) and known else None


def _pixels(image: Any, name: str) -> NDArray[np.uint8]:
    tensor = hasattr(image, "detach")
    pixels = np.asarray(image.detach().cpu().numpy() if tensor else image)
    if tensor and pixels.ndim == 3:
        pixels = pixels.transpose(1, 2, 0)
    if pixels.dtype.kind == "f":
        if not pixels.size or not (pixels.min() >= 0 and pixels.max() <= 1):
            raise BirthmarkError(name, "has pixels that are not from 0 to 1", FIX)
        pixels = np.rint(255 * pixels).astype(np.int64)
    if pixels.dtype.kind not in "iu" or not (pixels.size and pixels.min() >= 0):
        raise BirthmarkError(name, "holds no pixels", FIX)
    if pixels.max() > 255:
        raise BirthmarkError(name, "has pixels above 255", FIX)
    return np.asarray(pixels, np.uint8)
