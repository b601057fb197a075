"""TensorFlow SavedModels, run by TensorFlow on the CPU."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.models.runtimes.base import RUNTIMES, Load, Runtime, Takes
from birthmark.models.runtimes.extras import extra

AGAIN = "write it again with tf.saved_model.save or model.export"
OUTWARD = {
    *("WriteFile", "ReadFile", "MatchingFiles", "WholeFileReaderV2", "DatasetToTFRecord"),
    *("PyFunc", "PyFuncStateless", "EagerPyFunc", "RpcCall", "RpcClient"),
}
"""Operators that reach files or call Python; the sandbox would stop most of them anyway."""


@dataclass(frozen=True)
class SavedModel:
    """A signature of a SavedModel with one input and one output, in a session."""

    takes: Takes
    session: Any
    input: str
    output: str

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Its output for a batch."""
        values: NDArray[Any] = self.session.run(self.output, {self.input: batch})
        return values


def preload() -> None:
    """Import TensorFlow, without its log."""
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    import tensorflow  # noqa: F401


def load(path: Path, options: Mapping[str, str]) -> Runtime:  # noqa: ARG001
    """Load the folder of a SavedModel; its signature `serving_default` is what is asked.

    Raises
    ------
    BirthmarkError
        If it is none, uses operators that reach outside, or has no such signature of one input and
        one output.
    """
    with extra("tensorflow", path):
        preload()
    import tensorflow
    from tensorflow.core.protobuf import saved_model_pb2

    folder = path.parent if path.name == "saved_model.pb" else path
    definition = saved_model_pb2.SavedModel()
    definition.ParseFromString((folder / "saved_model.pb").read_bytes())
    for graph in definition.meta_graphs:
        nodes = [graph.graph_def.node, *(f.node_def for f in graph.graph_def.library.function)]
        for op in sorted({node.op for part in nodes for node in part} & OUTWARD):
            raise BirthmarkError(
                path, f"uses the operator {op}, which reaches outside the model", AGAIN
            )
    settings = tensorflow.compat.v1.ConfigProto(
        intra_op_parallelism_threads=1, inter_op_parallelism_threads=1
    )
    session = tensorflow.compat.v1.Session(graph=tensorflow.Graph(), config=settings)
    with session.graph.as_default():
        loaded = tensorflow.compat.v1.saved_model.load(session, ["serve"], str(folder))
    signature = loaded.signature_def.get("serving_default")
    if signature is None:
        known = ", ".join(loaded.signature_def) or "none"
        raise BirthmarkError(path, f"has no serving_default; its signatures are {known}", AGAIN)
    for what, names in (("inputs", signature.inputs), ("outputs", signature.outputs)):
        if len(names) != 1:
            raise BirthmarkError(
                path, f"its {what} are {', '.join(names) or 'none'}", f"{AGAIN}, with one of them"
            )
    ((name, input_),) = signature.inputs.items()
    (output,) = signature.outputs.values()
    shape = input_.tensor_shape
    sides = None if shape.unknown_rank else tuple(as_side(side.size) for side in shape.dim)
    dtype = tensorflow.as_dtype(input_.dtype).name
    return SavedModel(Takes(name, dtype, sides), session, input_.name, output.name)


def as_side(size: int) -> int | None:
    """TensorFlow writes -1 for a side of any length."""
    return None if size < 0 else size


RUNTIMES.register("saved-model", example="saved-model")(lambda: _load)
_load: Load = load
