"""scikit-learn's networks as ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from birthmark.common.errors import BirthmarkError

OPSET, FORMAT = 17, 8
"""What onnxruntime 1.18 reads."""


def require_onnx() -> None:
    """Find out before long work that files can be written.

    Raises
    ------
    BirthmarkError
        If the package onnx is not installed.
    """
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise BirthmarkError(
            "practice", "needs the package onnx", "run `pip install 'birthmark[practice]'`"
        ) from error


def write_network(model: Any, path: Path) -> None:
    """Write a classifier that takes float32 (n, features) and gives probabilities (n, classes).

    Parameters
    ----------
    model
        A fitted `MLPClassifier` or `LogisticRegression` of three classes or more.
    path
        The file; its folder is made.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    if hasattr(model, "coefs_"):
        layers = list(zip(model.coefs_, model.intercepts_, strict=True))
        between = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid"}[model.activation]
    else:
        layers, between = [(model.coef_.T, model.intercept_)], ""
    nodes, weights, last = [], [], "inputs"
    for i, layer in enumerate(layers):
        names = [f"weight{i}", f"bias{i}"]
        weights += [
            numpy_helper.from_array(np.asarray(array, np.float32), name)
            for array, name in zip(layer, names, strict=True)
        ]
        nodes.append(helper.make_node("Gemm", [last, *names], [f"sum{i}"]))
        final = i == len(layers) - 1
        last = "probabilities" if final else f"hidden{i}"
        nodes.append(helper.make_node("Softmax" if final else between, [f"sum{i}"], [last]))
    features, classes = layers[0][0].shape[0], layers[-1][0].shape[1]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("inputs", TensorProto.FLOAT, ["n", features])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["n", classes])],
        weights,
    )
    opset = helper.make_opsetid("", OPSET)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=FORMAT), path)
