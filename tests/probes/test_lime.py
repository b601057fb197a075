from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from birthmark import BirthmarkError, Image, ImageSet
from birthmark.probes import PROBES, Draw
from birthmark.probes.lime import masks

DRAW = Draw("sha256:images", None, 0)


def images(height: int, width: int) -> ImageSet:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (12, height, width, 3), dtype=np.uint8)
    return ImageSet.from_arrays(pixels, np.arange(12))


def select(name: str, some: ImageSet, n: int) -> list[Image]:
    return PROBES.make(name).select(some, None, n, DRAW)


@pytest.mark.parametrize(("segments", "versions"), [(9, 11), (16, 40), (36, 38), (64, 400)])
def test_masks_tell_segments_apart(segments: int, versions: int) -> None:
    shown = masks(segments, versions)
    assert shown.shape == (versions, segments)
    assert shown.dtype == bool
    assert shown[0].all()
    design = np.column_stack([shown, np.ones(versions)])
    assert np.linalg.matrix_rank(design) == segments + 1
    assert shown[1:].mean() == pytest.approx(0.5, abs=3 * 0.5 / (versions * segments) ** 0.5)


def test_masks_never_change() -> None:
    bits = ["".join(str(int(bit)) for bit in row) for row in masks(16, 40)[:3]]
    assert bits == ["1111111111111111", "0010010100100110", "1011111101000111"]


@pytest.mark.parametrize(("height", "width"), [(32, 32), (7, 10)])
def test_shown_cells_are_as_they_were_and_others_flat(height: int, width: int) -> None:
    some = images(height, width)
    probes = select("lime9x24", some, 48)
    plain = select("natural", some, 2)
    seen = np.stack([probe.pixels for probe in probes]).astype(float)
    for group, image in enumerate(plain):
        assert probes[group * 24].label == image.label
        assert {probe.label for probe in probes[group * 24 + 1 : group * 24 + 24]} == {None}
        for version, shown in enumerate(masks(9, 24)):
            for cell, visible in zip(cells(height, width), shown, strict=True):
                own, now = image.pixels[cell].astype(float), seen[group * 24 + version][cell]
                if visible:
                    assert (now == own).all()
                else:
                    assert np.abs(now - own.mean(axis=(0, 1))).max() <= 0.5


def cells(height: int, width: int) -> list[tuple[slice, slice]]:
    """Nine cells, row by row, whose sides differ by one pixel at most."""
    rows, columns = (
        [np.flatnonzero(np.arange(side) * 3 // side == i) for i in range(3)]
        for side in (height, width)
    )
    return [(slice(r[0], r[-1] + 1), slice(c[0], c[-1] + 1)) for r in rows for c in columns]


def test_grey_images_stay_grey() -> None:
    pixels: NDArray[np.uint8] = np.random.default_rng(1).integers(0, 255, (3, 8, 8), np.uint8)
    probes = select("lime16x40", ImageSet.from_arrays(pixels), 80)
    assert {probe.pixels.shape for probe in probes} == {(8, 8, 1)}
    assert [probe.name for probe in probes][78:] == ["00078.png", "00079.png"]


def test_images_without_enough_pixels_are_named() -> None:
    with pytest.raises(BirthmarkError, match="more cells per side than images of 32x3 have pixels"):
        select("lime16x40", images(3, 32), 40)
