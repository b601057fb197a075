"""TensorFlow Lite files, run by LiteRT's interpreter on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.models.runtimes.base import RUNTIMES, Takes
from birthmark.models.runtimes.extras import extra

AGAIN = "convert it again, with one image input and only built-in operators"


def preload() -> None:
    """Import the interpreter."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: F401


class TfliteRuntime:
    """A TFLite model with one input; whole numbers are brought to its scale and back.

    Parameters
    ----------
    path
        The file.
    options
        None.

    Raises
    ------
    BirthmarkError
        If it has more inputs than one, or uses operators of TensorFlow or of its maker.
    """

    def __init__(self, path: Path, options: Mapping[str, str]) -> None:  # noqa: ARG002
        with extra("tflite", path):
            from ai_edge_litert.interpreter import Interpreter
        self._interpreter = Interpreter(model_content=path.read_bytes(), num_threads=1)
        inputs = self._interpreter.get_input_details()
        if len(inputs) != 1:
            names = [one["name"] for one in inputs]
            raise BirthmarkError(path, f"has the inputs {names}", AGAIN)
        self._input, self._output = inputs[0], self._interpreter.get_output_details()[0]
        sides = tuple(int(side) for side in self._input["shape_signature"])
        self._shape: tuple[int, ...] = ()
        kind = np.dtype(self._input["dtype"])
        self.takes = Takes(
            str(self._input["name"]),
            "float32" if kind.name in ("uint8", "int8") else kind.name,
            tuple(None if side < 0 else side for side in sides),
        )
        try:
            self._allocate(tuple(max(1, side) for side in sides))
        except RuntimeError as error:
            if "custom op" in str(error) or "Flex" in str(error):
                raise BirthmarkError(path, f"needs what LiteRT lacks ({error})", AGAIN) from error
            raise

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Its first output."""
        if batch.shape != self._shape:
            self._allocate(batch.shape)
        self._interpreter.set_tensor(self._input["index"], _whole(batch, self._input))
        self._interpreter.invoke()
        values = np.array(self._interpreter.get_tensor(self._output["index"]))
        scale, zero = self._output["quantization"]
        if values.dtype.kind in "iu" and scale:
            return np.asarray((values.astype(np.float32) - zero) * np.float32(scale))
        return values

    def _allocate(self, shape: tuple[int, ...]) -> None:
        self._interpreter.resize_tensor_input(self._input["index"], shape)
        self._interpreter.allocate_tensors()
        self._shape = shape


def _whole(batch: NDArray[np.float32], input_: Mapping[str, Any]) -> NDArray[Any]:
    """A batch in the numbers of the input: of whole ones the nearest, within their range."""
    dtype = np.dtype(input_["dtype"])
    if dtype.kind not in "iu":
        return batch.astype(dtype, copy=False)
    scale, zero = input_["quantization"]
    limits = np.iinfo(dtype)
    nearest = np.rint(batch / (scale or 1) + zero)
    return np.asarray(nearest.clip(limits.min, limits.max), dtype)


RUNTIMES.register("tflite", example="tflite")(lambda: TfliteRuntime)
