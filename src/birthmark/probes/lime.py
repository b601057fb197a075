"""Masked versions of images, of which a linear model of each answer can be fitted (Zest)."""

from __future__ import annotations

from functools import cache
from itertools import count
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from birthmark.common.digests import sha256
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet
from birthmark.models.adapters import Suspect
from birthmark.probes.base import PROBES, Draw, pictures
from birthmark.probes.companions import Companions
from birthmark.probes.corruption import require_within
from birthmark.probes.crafted import files, require_multiple, rounded


class Lime:
    """Groups of versions of one image, each with other segments masked.

    Source: Zest (Jia et al., "A Zest of LIME: Towards Architecture-Independent Model Distances",
    ICLR 2022), which fits linear models from masks to a model's answers for some images and
    compares those; LIME is by Ribeiro et al., KDD 2016. Both take superpixels for segments, whose
    outlines depend on the image and on the library that finds them; here segments are the cells of
    a square grid and masks are the same for all images, so that a score knows them by the name
    and a probe's position alone: see `masks`. A masked cell is filled with its own mean.

    The whole image comes first and keeps its label; of the others the object may be gone.

    Parameters
    ----------
    segments
        Cells of the grid, a square number: 9, 16, 25, 36, 49 or 64.
    versions
        Versions of an image, `segments` + 2 to 400.

    Raises
    ------
    BirthmarkError
        If either is out of range.
    """

    asks_victim = False
    asks_companions = False
    true_labels = True

    def __init__(self, *, segments: int | str, versions: int | str) -> None:
        self.segments, self.versions = int(segments), int(versions)
        self._shown = masks(self.segments, self.versions)

    @property
    def name(self) -> str:
        """`lime`, the number of segments and the number of versions."""
        return f"lime{self.segments}x{self.versions}"

    @property
    def block(self) -> int:
        """How many consecutive probes one image gives."""
        return self.versions

    def select(
        self,
        images: ImageSet,
        victim: Suspect | None,  # noqa: ARG002
        n: int,
        draw: Draw,
        resize: tuple[int, int] | None = None,
        companions: Companions = Companions(),  # noqa: ARG002
    ) -> list[Image]:
        """Mask n / versions drawn images."""
        require_multiple(self.name, n, self.versions)
        made: list[Image] = []
        for one in pictures(images, n // self.versions, draw, resize):
            pixels = np.asarray(one.picture)
            pixels = pixels[..., None] if pixels.ndim == 2 else pixels
            labels = [one.label, *[None] * (self.versions - 1)]
            made += files(self._masked(pixels), labels, len(made))
        return made

    def _masked(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width, _ = pixels.shape
        side = isqrt(self.segments)
        if side > min(height, width):
            raise BirthmarkError(
                self.name,
                f"has more cells per side than images of {width}x{height} have pixels",
                "use fewer segments, such as lime9x24",
            )
        cells = _cells(height, width, side)
        whole = pixels.astype(np.float64)
        means = np.stack([whole[cells == cell].mean(axis=0) for cell in range(self.segments)])
        return rounded(np.where(self._shown[:, cells][..., None], whole, means[cells]))


@cache
def masks(segments: int, versions: int) -> NDArray[np.bool_]:
    """Which segments each version of an image shows, bool (versions, segments); do not change it.

    The first row is all True; the others show each segment with probability 1/2. Version i's bits
    are those of the SHA-256 of "lime", segments, versions, attempt and i, one a line, from the
    lowest up. The first attempt, from 0 up, is taken in which a linear model with a constant can be
    told from the versions. Segments are numbered row by row.

    Parameters
    ----------
    segments
        A square number, 9 to 64.
    versions
        `segments` + 2 to 400.

    Raises
    ------
    BirthmarkError
        If either is out of range.
    """
    name, use = f"lime{segments}x{versions}", "lime16x40"
    require_within(name, "number of segments", segments, 9, 64, use)
    if isqrt(segments) ** 2 != segments:
        raise BirthmarkError(name, "number of segments is not a square", f"use {use}")
    require_within(name, "number of versions", versions, segments + 2, 400, use)
    attempts = (_bits(segments, versions, attempt) for attempt in count())
    shown = next(bits for bits in attempts if _tell_apart(bits))
    shown.flags.writeable = False
    return shown


def _bits(segments: int, versions: int, attempt: int) -> NDArray[np.bool_]:
    shown = np.ones((versions, segments), dtype=bool)
    for version in range(1, versions):
        text = f"lime\n{segments}\n{versions}\n{attempt}\n{version}\n"
        number = int(sha256(text.encode()).removeprefix("sha256:"), 16)
        shown[version] = [number >> bit & 1 for bit in range(segments)]
    return shown


def _tell_apart(shown: NDArray[np.bool_]) -> bool:
    with_constant = np.column_stack([shown, np.ones(len(shown))])
    return bool(np.linalg.matrix_rank(with_constant) > shown.shape[1])


def _cells(height: int, width: int, side: int) -> NDArray[np.intp]:
    """Each pixel's segment, (height, width)."""
    rows, columns = (np.arange(length) * side // length for length in (height, width))
    return rows[:, None] * side + columns


PROBES.register(r"lime(?P<segments>\d{1,2})x(?P<versions>\d{1,3})", example="lime16x40")(Lime)
