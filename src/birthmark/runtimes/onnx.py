"""ONNX, by onnxruntime on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.errors import BirthmarkError
from birthmark.runtimes.base import RUNTIMES, Takes

PRELOAD = ("onnxruntime",)
DTYPES = {"float": "float32", "double": "float64"}


class OnnxRuntime:
    """An ONNX model with one input.

    Parameters
    ----------
    path
        The file.
    options
        None are known.

    Raises
    ------
    BirthmarkError
        If it has more inputs than one.
    """

    def __init__(self, path: Path, options: Mapping[str, str]) -> None:  # noqa: ARG002
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            path, settings, providers=["CPUExecutionProvider"]
        )
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            names = [one.name for one in inputs]
            raise BirthmarkError(path, f"has the inputs {names}", "export it with one image input")
        self._output = self._session.get_outputs()[0].name
        kind = inputs[0].type.removeprefix("tensor(").removesuffix(")")
        shape = tuple(side if isinstance(side, int) else None for side in inputs[0].shape)
        self._takes = Takes(inputs[0].name, DTYPES.get(kind, kind), shape)

    @property
    def takes(self) -> Takes:
        """Its input."""
        return self._takes

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Its first output."""
        (values,) = self._session.run([self._output], {self._takes.name: batch})
        return np.asarray(values)


RUNTIMES.register("onnx", example="onnx")(lambda: OnnxRuntime)
