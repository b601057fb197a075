"""Weights in TensorFlow Lite files, by the layers that use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.models.runtimes.base import Runtime
from birthmark.models.runtimes.extras import extra
from birthmark.models.weights.tensors import Served, Tensor, from_torch

CONVOLUTION, DEPTHWISE, DEQUANTISE, DENSE = 3, 4, 6, 9
TYPES = {0: np.float32, 1: np.float16, 3: np.uint8, 9: np.int8, 7: np.int16}


def load(path: Path, options: Mapping[str, str]) -> Runtime:  # noqa: ARG001
    """Read it; nothing is run."""
    with extra("tflite", path):
        from ai_edge_litert import schema_py_generated as schema
    return Served(_tensors(schema.Model.GetRootAs(path.read_bytes(), 0)))


def _tensors(model: Any) -> Iterator[Tensor]:
    seen = set()
    for i in range(model.SubgraphsLength()):
        graph = model.Subgraphs(i)
        operators = [graph.Operators(k) for k in range(graph.OperatorsLength())]
        codes = [_code(model.OperatorCodes(one.OpcodeIndex())) for one in operators]
        widened = {
            one.Outputs(0): one.Inputs(0)
            for one, code in zip(operators, codes, strict=True)
            if code == DEQUANTISE
        }
        for one, code in zip(operators, codes, strict=True):
            if code not in (CONVOLUTION, DEPTHWISE, DENSE) or one.InputsLength() < 2:
                continue
            place = widened.get(one.Inputs(1), one.Inputs(1))
            values = None if (i, place) in seen else _values(model, graph.Tensors(place))
            if values is None:
                continue
            seen.add((i, place))
            if values.ndim == 4:
                values = values.transpose((3, 0, 1, 2) if code == DEPTHWISE else (0, 3, 1, 2))
            yield from from_torch(graph.Tensors(place).Name().decode(errors="replace"), values)


def _code(operator: Any) -> int:
    code: int = max(operator.BuiltinCode(), operator.DeprecatedBuiltinCode())
    return code


def _values(model: Any, tensor: Any) -> NDArray[np.float32] | None:
    """A constant's values, less their zero point; None for what is computed, or in another type."""
    data = model.Buffers(tensor.Buffer()).DataAsNumpy()
    dtype = TYPES.get(tensor.Type())
    if dtype is None or not isinstance(data, np.ndarray):
        return None
    values = data.view(dtype).reshape(tensor.ShapeAsNumpy()).astype(np.float32)
    quantised = tensor.Quantization()
    zero = None if quantised is None else quantised.ZeroPointAsNumpy()
    if isinstance(zero, np.ndarray) and zero.any():
        shape = [1] * values.ndim
        shape[quantised.QuantizedDimension() if len(zero) > 1 else 0] = len(zero)
        values = values - zero.astype(np.float32).reshape(shape)
    return np.asarray(values, dtype=np.float32)
