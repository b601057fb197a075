"""From a model's file to its weights; the file is read in a process without rights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.models.adapters.model_files import REPOSITORY, SAVED_MODEL, located, refuse_pickles
from birthmark.models.adapters.parts import files_of
from birthmark.models.sandbox import Limits, Sandboxed
from birthmark.models.weights.tensors import TABLE, Tensor, table_of

READERS = {
    ".onnx": "onnx",
    ".safetensors": "safetensors",
    ".torchscript": "torchscript",
    ".ts": "torchscript",
    ".pt2": "torch_export",
    ".keras": "keras",
    ".pb": "saved_model",
    ".json": "safetensors",
    ".tflite": "tflite",
}
FORMATS = "ONNX, safetensors, TorchScript, .pt2, .keras, a SavedModel or TFLite"


def readable(spec: str) -> bool:
    """Whether weights can be read of what a suspect is named by: a file or folder of a model."""
    path = Path(located(spec))
    return path.is_file() and path.suffix.lower() in READERS


def read_weights(spec: str | Path) -> list[Tensor]:
    """The weights in a model's file, of every layer with a matrix or kernels.

    Parameters
    ----------
    spec
        ONNX, safetensors, TorchScript, `.pt2`, `.keras`, TFLite, the folder of a SavedModel or of
        a Hugging Face repository.

    Raises
    ------
    BirthmarkError
        If it is none, holds numbers that are not finite, or no layer with weights.
    """
    refuse_pickles(str(spec))
    path = Path(located(str(spec)))
    if not path.exists():
        raise BirthmarkError(path, "does not exist", "name a model file")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise BirthmarkError(path, "is not a file that weights can be read from", f"name {FORMATS}")
    limits = Limits.of_environment()
    name = f"birthmark.models.weights.{reader}:load"
    files = files_of(path, limits.file)
    with Sandboxed(
        name,
        path,
        limits=limits,
        parts=files,
        readable=[path.parent] if path.name in (SAVED_MODEL, REPOSITORY) else [],
        what=f"file of weights ({FORMATS})",
    ) as process:
        try:
            table = table_of(process.run(np.full(1, TABLE, np.float32)), limits.memory)
        except (ValueError, RecursionError) as error:
            raise BirthmarkError(path, f"cannot be read: {error}", "export it again") from error
        tensors = [
            _checked(path, name, shape, process.run(np.full(1, i, np.float32)))
            for i, (name, shape) in enumerate(table)
        ]
    if not tensors:
        raise BirthmarkError(path, "holds no layers with weights", "export the trained model again")
    return tensors


def _checked(path: Path, name: str, shape: tuple[int, ...], values: NDArray[Any]) -> Tensor:
    if values.dtype != np.float32 or values.size != np.prod(shape):
        raise BirthmarkError(
            f"{path} {name}", "does not have the shape it states", "export it again"
        )
    if not np.isfinite(values).all():
        raise BirthmarkError(
            f"{path} {name}", "holds numbers that are not finite", "name a working model"
        )
    return Tensor(name, values.reshape(shape))
