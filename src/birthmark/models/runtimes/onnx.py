"""ONNX, by onnxruntime on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.models.runtimes.base import RUNTIMES, Takes

DTYPES = {"float": "float32", "double": "float64"}
IDENTITY = (
    b'\x08\x08\x12\x00:7\n\x10\n\x01x\x12\x01y"\x08Identity\x12\x01gZ\x0f\n\x01x\x12\n\n\x08'
    b"\x08\x01\x12\x04\n\x02\x08\x01b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00"
    b"\x10\x11"
)
"""An ONNX model of one Identity node, float32 of shape [1]."""


def preload() -> None:
    """Import onnxruntime and let it do what it does once, without leaving threads behind."""
    _session(IDENTITY, threads=1)


def _session(model: Path | bytes, threads: int = 0) -> Any:
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])


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
        self._session = _session(path)
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
