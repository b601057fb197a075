"""One image, and how its pixels are brought to a model's size and channels."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from birthmark.common.digests import sha256
from birthmark.common.errors import BirthmarkError
from birthmark.data.images.decoding import MAX_SIDE, decoded


@dataclass(frozen=True)
class Image:
    """One image file.

    Attributes
    ----------
    data
        The file's bytes, JPEG or another of `decoding.FORMATS`.
    name
        How a message calls it.
    label
        The true class, if known.
    """

    data: bytes
    name: str
    label: int | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Another process decodes it again: a file is smaller than its pixels."""
        return {name: getattr(self, name) for name in ("data", "name", "label")}

    @cached_property
    def digest(self) -> str:
        """Digest of the file's bytes."""
        return sha256(self.data)

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """Pixels as decoded, (height, width, 1 or 3), 0 to 255.

        Raises
        ------
        BirthmarkError
            If the bytes are not a whole image of a reasonable size.
        """
        return self._decoded()

    @cached_property
    def pixel_digest(self) -> str:
        """Digest of shape and pixels, to notice a decoder that decodes otherwise.

        It keeps no pixels: of a stranger's many images they could fill the memory.
        """
        kept: NDArray[np.uint8] | None = self.__dict__.get("pixels")
        return array_digest(self._decoded() if kept is None else kept)

    def _decoded(self) -> NDArray[np.uint8]:
        array = np.asarray(decoded(self.data, self.name))
        return array[:, :, None] if array.ndim == 2 else array

    def array(
        self,
        channels: int,
        size: tuple[int, int],
        resize: str,
        scale_to: tuple[int, int] | int | None = None,
    ) -> NDArray[np.uint8]:
        """As `picture`, but an array (height, width, channels)."""
        pixels = self.pixels
        if pixels.shape == (size[1], size[0], channels) and scale_to is None:
            return pixels
        array = np.asarray(self.picture(channels, size, resize, scale_to))
        return array[:, :, None] if channels == 1 else array

    def picture(
        self,
        channels: int,
        size: tuple[int, int] | None,
        resize: str,
        scale_to: tuple[int, int] | int | None = None,
    ) -> Pillow.Image:
        """The image with 1 or 3 channels at (width, height), `resize` a Pillow filter's name.

        Where `scale_to` is given, it is scaled to that (width, height) first, or until its shorter
        side has that length, and `size` is cut from its centre.
        """
        pixels = self.pixels
        picture = Pillow.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        mode = "L" if channels == 1 else "RGB"
        if picture.mode != mode:
            picture = picture.convert(mode)
        if size is None:
            return picture
        scaled = (
            self._scaled(picture.size, scale_to) if scale_to is not None else (size[0], size[1])
        )
        if picture.size != scaled:
            picture = picture.resize(scaled, Pillow.Resampling[resize.upper()])
        if scaled != tuple(size):
            left, top = (scaled[0] - size[0]) // 2, (scaled[1] - size[1]) // 2
            picture = picture.crop((left, top, left + size[0], top + size[1]))
        return picture

    def _scaled(self, size: tuple[int, int], to: tuple[int, int] | int) -> tuple[int, int]:
        if not isinstance(to, int):
            return to[0], to[1]
        longer = to * max(size) // min(size)
        if longer > MAX_SIDE:
            raise BirthmarkError(
                self.name,
                f"is {size[0]}x{size[1]}, which is {longer} long with a shorter side of {to}",
                "cut it or remove it",
            )
        return (to, longer) if size[0] <= size[1] else (longer, to)


def array_digest(pixels: NDArray[np.uint8]) -> str:
    """Digest of a (height, width, channels) array: its shape in decimal, then its bytes."""
    shape = "x".join(map(str, pixels.shape)).encode()
    return sha256(shape, b"\n", np.ascontiguousarray(pixels).data)


def encoded(picture: Pillow.Image, file_format: str, **options: Any) -> bytes:
    """The bytes of a picture in a file format."""
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()
