"""The images that references learn from, as arrays that every worker maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birthmark.common.files import whole_file
from birthmark.data.images import Image, Progress
from birthmark.models.adapters import Declaration

PIECE = 256


def write_pixels(
    file: Path, images: Sequence[Image], declaration: Declaration, progress: Progress
) -> None:
    """Write uint8 (n, channels, height, width) at a declaration's size.

    Raises
    ------
    BirthmarkError
        If an image is broken, or the disk is full.
    """
    (width, height), channels = declaration.size, declaration.channels
    shape = (len(images), channels, height, width)
    with whole_file(file) as passing, passing.open("wb") as opened:
        np.lib.format.write_array_header_1_0(
            opened, {"descr": "|u1", "fortran_order": False, "shape": shape}
        )
        for start in range(0, len(images), PIECE):
            piece = [
                images[i].array(channels, (width, height), declaration.resize, declaration.scale_to)
                for i in range(start, min(start + PIECE, len(images)))
            ]
            opened.write(np.ascontiguousarray(np.stack(piece).transpose(0, 3, 1, 2)).data)
            progress("Preparing images", start + len(piece), len(images))


def read_pixels(file: Path) -> NDArray[np.uint8]:
    """Map them."""
    mapped: NDArray[np.uint8] = np.load(file, mmap_mode="r")
    return mapped
