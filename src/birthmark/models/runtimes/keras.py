"""Keras 3 archives (`.keras`), run by Keras on torch."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError, one_line
from birthmark.models.runtimes.archives import members, parsed
from birthmark.models.runtimes.base import RUNTIMES, Load, Runtime, Takes
from birthmark.models.runtimes.extras import extra

AGAIN = "save it again with model.save('model.keras')"
CODE = {
    "Lambda": "Python code",
    "__lambda__": "Python code",
    "TorchModuleWrapper": "a pickled torch module",
    "JaxLayer": "Python code",
    "FlaxLayer": "Python code",
    "TFSMLayer": "the name of another file",
}


@dataclass(frozen=True)
class KerasRuntime:
    """A loaded Keras model."""

    takes: Takes
    model: Any

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Its first output for a batch.

        TensorFlow is hidden from Keras while it is imported and reads the file, since it would
        import it for nothing; preprocessing layers take what hides it for TensorFlow itself.
        """
        import torch

        if sys.modules.get("tensorflow", sys) is None:
            del sys.modules["tensorflow"]
        with torch.inference_mode():
            answer = self.model(batch, training=False)
        if isinstance(answer, dict):
            answer = list(answer.values())
        first = answer[0] if isinstance(answer, list | tuple) else answer
        values: NDArray[Any] = first.cpu().numpy()
        return values


def preload() -> None:
    """Import Keras."""
    _keras()


def _keras() -> Any:
    os.environ["KERAS_BACKEND"] = "torch"
    sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]
    import keras

    return keras


def opened(path: Path) -> Any:
    """The model in a `.keras` archive, loaded in safe mode, uncompiled.

    Raises
    ------
    BirthmarkError
        If it is none, holds code, or a layer that Keras itself does not bring.
    """
    contents = members(path, AGAIN)
    if "config.json" not in contents:
        raise BirthmarkError(path, "is not a Keras archive: it holds no config.json", AGAIN)
    version = _version(path, contents)
    try:
        _require_plain(path, parsed(path, "config.json", contents["config.json"], AGAIN))
    except BirthmarkError as error:
        raise _of_keras_2(path, version, error.problem) or error from error
    with extra("keras", path):
        keras = _keras()
    import torch

    torch.set_num_threads(1)
    keras.config.set_image_data_format("channels_last")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # it raises what it meets
        raise _of_keras_2(path, version, str(error)) or error from error


def load(path: Path, options: Mapping[str, str]) -> Runtime:  # noqa: ARG001
    """Load a `.keras` archive.

    Raises
    ------
    BirthmarkError
        As `opened`, or if it takes more than one input.
    """
    model = opened(path)
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) != 1:
        names = ", ".join(i.name for i in inputs) or "not known"
        raise BirthmarkError(path, f"its inputs are {names}", "save a model with one image input")
    shape = tuple(inputs[0].shape)
    return KerasRuntime(Takes(inputs[0].name, str(inputs[0].dtype), shape), model)


def _version(path: Path, contents: Mapping[str, bytes]) -> str:
    said = parsed(path, "metadata.json", contents.get("metadata.json", b"{}"), AGAIN)
    return str(said.get("keras_version")) if isinstance(said, dict) else ""


def _of_keras_2(path: Path, version: str, said: str) -> BirthmarkError | None:
    """What to say of an archive that an older Keras wrote; None if it is none."""
    if not version.startswith(("1.", "2.")):
        return None
    return BirthmarkError(
        path,
        f"was written by Keras {one_line(version, 20)}, and Keras 3 cannot read it"
        f" ({one_line(said, 120)})",
        "in its own Keras export it to ONNX (tf2onnx) or as a SavedModel (model.export), or save it"
        " again from Keras 3",
    )


def _require_plain(path: Path, config: Any) -> None:
    for part in _parts(config):
        name, module = part["class_name"], part.get("module")
        if name in CODE:
            raise BirthmarkError(
                path,
                f"has a layer {name}, which holds {CODE[name]}",
                "replace it with layers of Keras, or export the model to ONNX (model.export)",
            )
        foreign = str(module).partition(".")[0] not in ("None", "builtins", "keras")
        if foreign or (module is None and part.get("registered_name")):
            raise BirthmarkError(
                path,
                f"has a layer or function {name}, which Keras does not include",
                "export the model to ONNX (model.export), or pass it in Python as a function",
            )


def _parts(config: Any) -> Iterator[dict[str, Any]]:
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(part.get("class_name"), str):
                yield part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


RUNTIMES.register("keras", example="keras")(lambda: _load)
_load: Load = load
