"""TensorFlow SavedModels, run by TensorFlow on the CPU."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.errors import BirthmarkError
from birthmark.runtimes.base import RUNTIMES, Load, Runtime, Takes
from birthmark.runtimes.extras import extra

AGAIN = "write it again with tf.saved_model.save or model.export"
OUTWARD = {
    *("WriteFile", "ReadFile", "MatchingFiles", "WholeFileReaderV2", "DatasetToTFRecord"),
    *("PyFunc", "PyFuncStateless", "EagerPyFunc", "RpcCall", "RpcClient"),
}
"""Operators that reach files or call Python; the sandbox would stop most of them anyway."""


@dataclass(frozen=True)
class SavedModel:
    """A signature of a SavedModel with one input."""

    takes: Takes
    signature: Any
    kept: Any
    tensor: Any

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Its output for a batch."""
        answers = self.signature(**{self.takes.name: self.tensor(batch)})
        (answer,) = answers.values()
        values: NDArray[Any] = answer.numpy()
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
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    model = tensorflow.saved_model.load(str(folder))
    signature = model.signatures.get("serving_default")
    if signature is None:
        known = ", ".join(model.signatures) or "none"
        raise BirthmarkError(path, f"has no serving_default; its signatures are {known}", AGAIN)
    inputs = signature.structured_input_signature[1]
    outputs = signature.structured_outputs
    for what, names in (("inputs", inputs), ("outputs", outputs)):
        if len(names) != 1:
            raise BirthmarkError(
                path, f"its {what} are {', '.join(names) or 'none'}", f"{AGAIN}, with one of them"
            )
    ((name, spec),) = inputs.items()
    shape = None if spec.shape.rank is None else tuple(spec.shape.as_list())
    return SavedModel(Takes(name, spec.dtype.name, shape), signature, model, tensorflow.constant)


RUNTIMES.register("saved-model", example="saved-model")(lambda: _load)
_load: Load = load
