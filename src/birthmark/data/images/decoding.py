"""Decoding an image file's bytes within bounds."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image as Pillow
from PIL import ImageFile

from birthmark.common.errors import BirthmarkError

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "PPM")
MAX_SIDE = 8192
MAX_PIXELS = 36_000_000
MAX_SCANS = 100
"""Each scan of a JPEG, however short, takes the time of all its pixels."""
SCAN = b"\xff\xda"


def opened(data: bytes, name: str) -> Pillow.Image:
    """Read an image's header, not its pixels yet.

    Raises
    ------
    BirthmarkError
        If it is no image, or one too large to decode.
    """
    try:
        with _strict(), warnings.catch_warnings():
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            picture = Pillow.open(io.BytesIO(data), formats=FORMATS)
    except Exception as error:  # Pillow's plugins raise whatever a broken file makes them raise
        raise BirthmarkError(
            name, f"is not a readable image ({type(error).__name__})", "replace or remove it"
        ) from error
    width, height = picture.size
    if width * height > MAX_PIXELS and max(width, height) <= MAX_SIDE:
        raise BirthmarkError(
            name, f"is {width}x{height}, over {MAX_PIXELS:,} pixels", "scale it down or remove it"
        )
    if picture.format == "JPEG" and data.count(SCAN) > MAX_SCANS:
        raise BirthmarkError(name, f"has over {MAX_SCANS} scans", "save it again or remove it")
    if max(picture.size) > MAX_SIDE:
        raise BirthmarkError(
            name, f"is {width}x{height}, over {MAX_SIDE} a side", "scale it down or remove it"
        )
    return picture


def decoded(data: bytes, name: str) -> Pillow.Image:
    """Decode an image, to the mode L or RGB.

    Raises
    ------
    BirthmarkError
        If the bytes are not a whole image of a reasonable size.
    """
    picture = opened(data, name)
    try:
        with _strict():
            picture.load()
        return picture if picture.mode == "L" else picture.convert("RGB")
    except Exception as error:
        raise BirthmarkError(
            name, f"is broken after its header ({error})", "replace or remove it"
        ) from error


@contextmanager
def _strict() -> Iterator[None]:
    """Half an image, or a bomb in it, is an error, whatever WeasyPrint or another set for all."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before
