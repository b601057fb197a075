"""What a model expects of an image, and what it answers with: said, never guessed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from birthmark.common.errors import BirthmarkError, faults
from birthmark.common.files import read_bytes
from birthmark.common.tomls import toml_of
from birthmark.data.images import MAX_SIDE, Image
from birthmark.data.outputs import Kind

Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
PerChannel = Annotated[tuple[float, ...], Field(min_length=1, max_length=3)]
MAX_FILE = 1 << 16


class Declaration(BaseModel):
    """Input and output of a model.

    A pixel p of 0 to 255 becomes `(low + (high - low) * p / 255 - mean) / std`.

    Attributes
    ----------
    size
        (width, height) of the model's input, which an image is scaled to.
    channels
        1 (grey) or 3 (colour).
    range
        (low, high): what 0 and 255 become before mean and deviation.
    mean, std
        One number, or one a channel; 0 and 1 for none.
    output
        What the answers are.
    order
        Order of colour channels.
    layout
        Order of axes: nchw, nhwc or flat (n, height * width * channels).
    resize
        The filter used when an image has another size.
    scale_to
        If given, an image is scaled to this (width, height), or until its shorter side has this
        length, and `size` is cut from its centre.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: tuple[Side, Side]
    channels: Literal[1, 3]
    range: tuple[float, float]
    mean: PerChannel
    std: PerChannel
    output: Kind
    order: Literal["rgb", "bgr"] = "rgb"
    layout: Literal["nchw", "nhwc", "flat"] = "nchw"
    resize: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bilinear"
    scale_to: tuple[Side, Side] | Side | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Declaration:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, self.channels):
                raise ValueError(f"{name} has {len(values)} numbers for {self.channels} channels")
        if not all(map(math.isfinite, (*self.range, *self.mean, *self.std))):
            raise ValueError("range, mean and std must be finite")
        if self.range[0] == self.range[1] or 0 in self.std:
            raise ValueError("range must not be empty, and std must not be 0")
        to = self.scale_to
        if to is not None and any(
            have < want
            for have, want in zip((to, to) if isinstance(to, int) else to, self.size, strict=True)
        ):
            raise ValueError(f"scale_to is {to}, too small to cut {self.size} from")
        return self

    @model_serializer(mode="wrap")
    def _shortest(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Declarations that need no `scale_to` are written as before there was one."""
        fields: dict[str, Any] = handler(self)
        return {k: v for k, v in fields.items() if k != "scale_to" or v is not None}

    @classmethod
    def of(cls, source: object, fields: dict[str, Any]) -> Declaration:
        """Make one from fields, or say which is missing or wrong and what to pass.

        Raises
        ------
        BirthmarkError
            Naming `source` and the fields.
        """
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            missing = [str(e["loc"][0]) for e in error.errors() if e["type"] == "missing"]
            problems = [one for one in faults(error) if not one.startswith("missing")]
            if missing:
                problems.insert(
                    0,
                    f"Birthmark must know its preprocessing and output"
                    f" ({', '.join(missing)} not declared)",
                )
            problem = "; ".join(problems)
            raise BirthmarkError(source, problem, HOW_TO_DECLARE) from error

    def batch(self, images: list[Image]) -> NDArray[np.float32]:
        """The model's input for these images: float32 in the declared layout."""
        (width, height), channels = self.size, self.channels
        pixels = np.empty((len(images), height, width, channels), dtype=np.uint8)
        for i, image in enumerate(images):
            pixels[i] = image.array(channels, self.size, self.resize, self.scale_to)
        return self.brought(pixels)

    def brought(self, pixels: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
        """The model's input for pixels (n, height, width, channels), 0 to 255, of its own size."""
        values = np.empty((len(pixels), *self._inner()), dtype=np.float32)
        channels_last = self._channels_last(values)
        pixels = pixels[..., ::-1] if self.order == "bgr" else pixels
        slope, offset = self._affine()
        for channel in range(self.channels):
            plane = channels_last[..., channel]
            np.multiply(pixels[..., channel], slope[channel], out=plane)
            plane += offset[channel]
        return values.reshape(len(pixels), *self.shape())

    def pixels(self, batch: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The pixels (n, height, width, channels) that became this input, to the nearest of 0..255.

        Parameters
        ----------
        batch
            In the declared layout, (n, ...).
        """
        channels_last = self._channels_last(batch.reshape(len(batch), *self._inner()))
        slope, offset = self._affine()
        values = np.clip(np.rint((channels_last - offset) / slope), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(values[..., ::-1] if self.order == "bgr" else values)

    def by_pixels(self, gradient: NDArray[np.float32]) -> NDArray[np.float32]:
        """A gradient by the model's input as one by pixels (n, height, width, channels)."""
        channels_last = self._channels_last(gradient.reshape(len(gradient), *self._inner()))
        scaled = channels_last * self._affine()[0]
        return np.ascontiguousarray(scaled[..., ::-1] if self.order == "bgr" else scaled)

    def shape(self) -> tuple[int, ...]:
        """Shape of one image in the model's input."""
        (width, height), channels = self.size, self.channels
        return {
            "nchw": (channels, height, width),
            "nhwc": (height, width, channels),
            "flat": (height * width * channels,),
        }[self.layout]

    def _inner(self) -> tuple[int, int, int]:
        (width, height), channels = self.size, self.channels
        return (channels, height, width) if self.layout == "nchw" else (height, width, channels)

    def _channels_last(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return values.transpose(0, 2, 3, 1) if self.layout == "nchw" else values

    def _affine(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        low, high = self.range
        mean, std = np.array(self.mean), np.array(self.std)
        slope = np.broadcast_to((high - low) / 255 / std, (self.channels,))
        offset = np.broadcast_to((low - mean) / std, (self.channels,))
        return slope.astype(np.float32), offset.astype(np.float32)


HOW_TO_DECLARE = (
    "pass --input WIDTHxHEIGHTxCHANNELS --range LOW:HIGH --mean M --std S --output KIND,"
    " or write size, channels, range, mean, std and output into a birthmark.toml next to it"
)


def declared_beside(model: Path) -> dict[str, Any]:
    """Fields declared in `<model>.toml` or, failing that, in the nearest `birthmark.toml`.

    That is one beside the model or in one of the two folders above.

    Raises
    ------
    BirthmarkError
        If the file is no TOML.
    """
    above = [folder / "birthmark.toml" for folder in model.absolute().parents[:3]]
    for file in (model.with_suffix(".toml"), *above):
        if file.exists():
            fields = toml_of(read_bytes(file, MAX_FILE), file, MAX_FILE)
            bare = {k: [v] for k, v in fields.items() if k in ("mean", "std") and _number(v)}
            return fields | bare
    return {}


def _number(value: Any) -> bool:
    return isinstance(value, int | float)


def combined(
    model: object,
    beside: dict[str, Any],
    passed: dict[str, Any],
    where: str = "the file next to it",
) -> dict[str, Any]:
    """Fields from a file beside the model and from options, which must not contradict each other.

    Raises
    ------
    BirthmarkError
        If both give a field and differ.
    """
    for name in beside.keys() & passed.keys():
        if _plain(beside[name]) != _plain(passed[name]):
            raise BirthmarkError(
                model,
                f"{name} is {beside[name]} in {where}, but {passed[name]} was passed",
                "drop one of the two",
            )
    return beside | passed


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple | list) else value
