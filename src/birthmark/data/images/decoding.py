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
GREY = ("1", "L", "LA", "La")
COLOUR = ("RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr", "HSV")
MAX_EXIF = 1 << 20
ORIENTATION = 0x0112
TURNED = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
"""What brings pixels of an EXIF orientation upright, as viewers do."""


def opened(data: bytes, name: str) -> Pillow.Image:
    """Read an image's header, not its pixels yet.

    Raises
    ------
    BirthmarkError
        If it is no image, several, of over 8 bits a channel, or one too large to decode.
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
    if picture.format in ("JPEG", "MPO") and data.count(SCAN) > MAX_SCANS:
        raise BirthmarkError(name, f"has over {MAX_SCANS} scans", "save it again or remove it")
    if max(picture.size) > MAX_SIDE:
        raise BirthmarkError(
            name, f"is {width}x{height}, over {MAX_SIDE} a side", "scale it down or remove it"
        )
    _require_one_of_8_bits(picture, name)
    return picture


def _require_one_of_8_bits(picture: Pillow.Image, name: str) -> None:
    if picture.mode not in (*GREY, *COLOUR):
        deep = picture.mode.startswith("I") or picture.mode == "F"
        raise BirthmarkError(
            name,
            "has more than 8 bits per grey level"
            if deep
            else f"has the colour mode {picture.mode}",
            "save it with 8, scaled the way your model takes them" if deep else "save it as RGB",
        )
    if picture.format != "MPO" and _has_several(picture):
        raise BirthmarkError(
            name, "holds several pictures", "save the one you mean as a file of its own"
        )


def _has_several(picture: Pillow.Image) -> bool:
    """Whether it is animated or has pages; none are counted, for a list of pages may be endless."""
    if picture.format != "TIFF":
        return getattr(picture, "n_frames", 1) > 1
    try:
        picture.seek(1)
    except Exception:  # a page that can't be found is none
        several = False
    else:
        several = True
    picture.seek(0)
    return several


def upright(picture: Pillow.Image) -> tuple[int, int]:
    """Width and height once an image is turned as its EXIF orientation says."""
    width, height = picture.size
    return (height, width) if _orientation(picture) in (5, 6, 7, 8) else (width, height)


def _orientation(picture: Pillow.Image) -> int:
    """The EXIF orientation, 1 to 8; of a TIFF 1, since Pillow turns those itself."""
    said = picture.info.get("exif", b"")
    if picture.format == "TIFF" or not isinstance(said, bytes) or len(said) > MAX_EXIF:
        return 1
    exif = Pillow.Exif()
    try:
        exif.load(said)
        orientation = exif.get(ORIENTATION, 1)
    except Exception:  # unreadable EXIF turns nothing, as in viewers
        return 1
    return orientation if orientation in TURNED else 1


def decoded(data: bytes, name: str) -> Pillow.Image:
    """Decode an image, to the mode L or RGB, upright as its EXIF orientation says.

    Transparency is left out, so colours are those stored below it; CMYK is converted without its
    ICC profile; of an MPO, which phones write, the first picture is taken.

    Raises
    ------
    BirthmarkError
        If the bytes are not a whole image of a reasonable size, of 8 bits a channel, or if they
        are several.
    """
    picture = opened(data, name)
    orientation = _orientation(picture)
    try:
        with _strict():
            picture.load()
        plain = picture.convert("L" if picture.mode in GREY else "RGB")
        return plain.transpose(TURNED[orientation]) if orientation in TURNED else plain
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
