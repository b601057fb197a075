"""ONNX, by onnxruntime: on the CPU, or on a GPU for files that the user trusts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.models.runtimes.base import RUNTIMES, Takes

PLACES = re.compile(r"failed:|Status Message: ")
SIGNATURE = re.compile(r"^\S+:\d+ [\w:~*&<>, ]+\([^()]*(\([^()]*\)[^()]*)*\)( const)? ")
NEWER = re.compile(r"(Unsupported model IR version: \d+|Opset \d+ is under development)")
PROVIDERS = {"cuda": ("CUDAExecutionProvider", "CPUExecutionProvider")}
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


def _session(
    model: Path | bytes, threads: int = 0, providers: Sequence[str] = ("CPUExecutionProvider",)
) -> Any:
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model, settings, providers=[*providers])


def _told_last(error: Exception) -> Exception:
    """The same error, of whose text only what it says at last is left.

    onnxruntime puts the path and a C++ signature before that.
    """
    before, place, said = str(error).rpartition("/onnxruntime_src/")
    said = SIGNATURE.sub("", said, count=1) if place else before or said
    return type(error)(PLACES.split(said)[-1].strip() or str(error))


class OnnxRuntime:
    """An ONNX model with one input.

    Parameters
    ----------
    path
        The file.
    options
        `device`: `cuda` for a GPU; the processor if not given.

    Raises
    ------
    BirthmarkError
        If it has more inputs than one, is newer than onnxruntime, or there is no such device.
    """

    def __init__(self, path: Path, options: Mapping[str, str]) -> None:
        providers = _providers(options.get("device", "cpu"))
        try:
            self._session = _session(path, _threads(), providers)
        except Exception as error:
            told = _told_last(error)
            if NEWER.search(str(told)):
                raise BirthmarkError(
                    path,
                    f"is newer than the installed onnxruntime ({told})",
                    "upgrade onnxruntime, or export it with an older opset",
                ) from error
            raise told from error
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
        try:
            (values,) = self._session.run([self._output], {self._takes.name: batch})
        except Exception as error:
            raise _told_last(error) from error
        return np.asarray(values)


def _threads() -> int:
    """What OMP_NUM_THREADS says, which engines set for their workers; 0 for all cores."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdecimal() else 0


def _providers(device: str) -> Sequence[str]:
    """The execution providers for a device.

    Raises
    ------
    BirthmarkError
        If the onnxruntime that is installed does not have it.
    """
    if device == "cpu":
        return ("CPUExecutionProvider",)
    import onnxruntime

    there = onnxruntime.get_available_providers()
    if PROVIDERS[device][0] not in there:
        raise BirthmarkError(
            f"--device {device}",
            f"is not available to the installed onnxruntime ({', '.join(there)})",
            "install onnxruntime-gpu instead of onnxruntime, or leave out --device",
        )
    return PROVIDERS[device]


RUNTIMES.register("onnx", example="onnx")(lambda: OnnxRuntime)
