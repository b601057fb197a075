"""Weights in TensorFlow SavedModels: variables, or constants where they were frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from birthmark.models.runtimes.base import Runtime
from birthmark.models.runtimes.extras import extra
from birthmark.models.runtimes.saved_model import preload
from birthmark.models.weights.safetensors import natural
from birthmark.models.weights.tensors import Served, from_keras

__all__ = ["load", "preload"]

OPTIMISER = "optimizer", "/.OPTIMIZER_SLOT/"


def load(path: Path, options: Mapping[str, str]) -> Runtime:  # noqa: ARG001
    """Read its folder; the graph is not run."""
    with extra("tensorflow", path):
        preload()
    folder = path.parent if path.name == "saved_model.pb" else path
    held = dict(_variables(folder)) or dict(_constants(folder))
    return Served(
        tensor for name in sorted(held, key=natural) for tensor in from_keras(name, held[name])
    )


def _variables(folder: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    import tensorflow

    if not (folder / "variables" / "variables.index").is_file():
        return
    reader = tensorflow.train.load_checkpoint(str(folder / "variables" / "variables"))
    for name, shape in reader.get_variable_to_shape_map().items():
        dtype = reader.get_variable_to_dtype_map()[name]
        if len(shape) >= 2 and dtype.is_floating and not any(o in name for o in OPTIMISER):
            yield name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE"), reader.get_tensor(name)


def _constants(folder: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    import tensorflow
    from tensorflow.core.protobuf import saved_model_pb2

    definition = saved_model_pb2.SavedModel()
    definition.ParseFromString((folder / "saved_model.pb").read_bytes())
    for graph in definition.meta_graphs:
        nodes = [graph.graph_def.node, *(f.node_def for f in graph.graph_def.library.function)]
        for node in (node for part in nodes for node in part if node.op == "Const"):
            tensor = node.attr["value"].tensor
            if len(tensor.tensor_shape.dim) >= 2 and tensor.dtype in (1, 2, 14, 19):
                yield node.name, tensorflow.make_ndarray(tensor)
