"""Readers of model files, and of what a process that ran one tells, as functions of bytes."""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import zipfile
from collections.abc import Callable
from functools import partial

import numpy as np

from birthmark import BirthmarkError
from birthmark.models.adapters.declaration import Declaration
from birthmark.models.adapters.hugging_face import PREPROCESSOR, _told
from birthmark.models.adapters.onnx_names import external_names
from birthmark.models.sandbox.frames import Channel, FrameError
from birthmark.models.sandbox.sandboxed import _takes
from birthmark.models.weights import read_weights
from birthmark.models.weights.tensors import table_of
from fuzzing.scratch import file_of

LIMIT = 1 << 20
LIMITS = {"BIRTHMARK_SECONDS": "15", "BIRTHMARK_MEMORY_GIB": "1"}
MEMBERS, NAME = 32, re.compile(r"(\w+/)*\w[\w.-]*")


def onnx_names(data: bytes) -> None:
    """The files that an ONNX file names."""
    path = file_of("names.onnx", data)
    with path.open("rb") as file:
        external_names(file, path)


def frames(data: bytes) -> None:
    """Messages of a process that has taken over: what it takes, then its answers."""
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    try:
        theirs.setblocking(False)
        theirs.send(data)
        theirs.close()
        while True:
            header, _ = channel.receive(LIMIT)
            if "takes" in header:
                _takes(header["takes"])
    except EOFError:
        return
    except FrameError as error:
        raise BirthmarkError("a", f"answered with {error}", "export it again") from error
    finally:
        channel.close()


def weights_table(data: bytes) -> None:
    """Names and shapes of weights, as a process tells them."""
    try:
        table_of(np.frombuffer(data, np.uint8), LIMIT)
    except (ValueError, RecursionError) as error:
        raise BirthmarkError("a", f"cannot be read: {error}", "export it again") from error


def hugging_face(data: bytes) -> None:
    """A repository whose two JSON files are the same; its weights are empty."""
    folder = file_of("told/model.safetensors", b"").parent
    for name in ("config.json", PREPROCESSOR):
        (folder / name).write_bytes(data)
    Declaration.of(folder / PREPROCESSOR, _told(folder))


def weights(ending: str, data: bytes) -> None:
    """Weights of a file, read in a process without rights."""
    os.environ.update(LIMITS)
    assert read_weights(file_of(f"w{ending}", data))


def saved_model(data: bytes) -> None:
    """Weights of the folder of a SavedModel, of which the input is a zip."""
    os.environ.update(LIMITS)
    folder = file_of("saved/saved_model.pb", b"").parent
    shutil.rmtree(folder)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for one in archive.infolist()[:MEMBERS]:
                if NAME.fullmatch(one.filename) and one.file_size < LIMIT:
                    file_of(f"saved/{one.filename}", archive.read(one))
    except Exception:  # what is wrong with the zip is no matter of the reader
        file_of("saved/saved_model.pb", data)
    assert read_weights(folder)


WEIGHTS: dict[str, Callable[[bytes], None]] = {
    "onnx": partial(weights, ".onnx"),
    "safetensors": partial(weights, ".safetensors"),
    "torchscript": partial(weights, ".torchscript"),
    "pt2": partial(weights, ".pt2"),
    "keras": partial(weights, ".keras"),
    "saved-model": saved_model,
    "tflite": partial(weights, ".tflite"),
}
