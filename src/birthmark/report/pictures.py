"""Pictures as the report holds them: inside the file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image as Pillow

from birthmark.data.images import Image

MOST_BYTES = 700_000
"""Of all probes that are shown, as files, before base64."""
MOST_SIDE = 224
SMALL = 112
"""Smaller pictures are enlarged with their pixels left to be seen."""


class ProbePicture(NamedTuple):
    """A probe in the report.

    Attributes
    ----------
    source
        A data address.
    width, height
        In pixels.
    enlarged
        Whether it is so small that its pixels are shown enlarged.
    coded_again
        Whether it is a smaller copy, since the probes' own files are too large for a report.
    """

    source: str
    width: int
    height: int
    enlarged: bool
    coded_again: bool


def data_address(data: bytes, kind: str) -> str:
    """An address that holds the picture: `data:image/...`."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def probe_pictures(images: Sequence[Image]) -> dict[str, ProbePicture]:
    """Probes by their names: their very bytes, or smaller copies if these are too many."""
    distinct = {image.name: image for image in images}
    again = sum(len(image.data) for image in distinct.values()) > MOST_BYTES
    return {name: _picture(image, again) for name, image in distinct.items()}


def _picture(image: Image, again: bool) -> ProbePicture:
    height, width = image.pixels.shape[:2]
    enlarged = max(width, height) < SMALL
    kind = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg"}.get(_magic(image.data))
    if kind is not None and not (again and len(image.data) > MOST_BYTES // 40):
        return ProbePicture(data_address(image.data, kind), width, height, enlarged, False)
    picture = image.picture(image.pixels.shape[2], None, "bilinear")
    picture.thumbnail((MOST_SIDE, MOST_SIDE), Pillow.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    width, height = picture.size
    return ProbePicture(data_address(file.getvalue(), "jpeg"), width, height, enlarged, True)


def _magic(data: bytes) -> bytes:
    return data[:4] if data[:4] == b"\x89PNG" else data[:3]
