"""Weights in ONNX, by the layers that use them, in the order of the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.models.runtimes.base import Runtime
from birthmark.models.runtimes.extras import extra
from birthmark.models.weights.tensors import Served, Tensor, from_keras, from_torch

WEIGHT = {
    "Conv": (1, None),
    "FusedConv": (1, None),
    "ConvInteger": (1, 3),
    "QLinearConv": (3, 5),
    "Gemm": (1, None),
    "QGemm": (3, 5),
    "MatMul": (1, None),
    "FusedMatMul": (1, None),
    "MatMulInteger": (1, 3),
    "QLinearMatMul": (3, 5),
}
"""Which input of an operator is its weight, and which its zero point."""
DEEPEST = 50


def load(path: Path, options: Mapping[str, str]) -> Runtime:  # noqa: ARG001
    """Read it."""
    with extra("weights", path):
        import onnx
    return Served(_tensors(onnx.load(path).graph))


def _tensors(graph: Any) -> Iterator[Tensor]:
    constant = Constants(graph)
    seen = set()
    for node in graph.node:
        place, zero = WEIGHT.get(node.op_type, (None, None))
        if place is None or len(node.input) <= place or node.input[place] in seen:
            continue
        name = node.input[place]
        values = constant(name)
        if values is None or values.ndim < 2:
            continue
        seen.add(name)
        if zero is not None and len(node.input) > zero and node.input[zero]:
            values = _from_zero(values, constant(node.input[zero]), node.op_type)
        untransposed = "Mat" in node.op_type or (
            "Gemm" in node.op_type and not _attribute(node, "transB", 0)
        )
        make: Callable[[str, NDArray[Any]], list[Tensor]] = from_torch
        if untransposed:
            make = from_keras
        yield from make(name, values)


def _from_zero(
    values: NDArray[Any], zero: NDArray[Any] | None, operator: str
) -> NDArray[np.float32]:
    """Integers less their zero point, one for all or one for each unit."""
    if zero is None:
        return values.astype(np.float32)
    point = zero.astype(np.float32).reshape(-1)
    if len(point) > 1 and "Conv" in operator:
        point = point.reshape(-1, *[1] * (values.ndim - 1))
    return values.astype(np.float32) - point


def _attribute(node: Any, name: str, default: Any) -> Any:
    from onnx.helper import get_attribute_value

    return next((get_attribute_value(a) for a in node.attribute if a.name == name), default)


class Constants:
    """What of a graph depends on no input: initializers, and what is computed from these."""

    def __init__(self, graph: Any) -> None:
        self._held = {one.name: one for one in graph.initializer}
        self._made = {out: node for node in graph.node for out in node.output}

    def __call__(self, name: str, depth: int = 0) -> NDArray[Any] | None:
        """The values of that name; None if they depend on an input or on another operator."""
        from onnx import numpy_helper

        if name in self._held:
            return np.asarray(numpy_helper.to_array(self._held[name]))
        node = self._made.get(name)
        if node is None or depth > DEEPEST:
            return None
        if node.op_type == "Constant":
            held = _attribute(node, "value", None)
            return None if held is None else np.asarray(numpy_helper.to_array(held))
        given = [self(one, depth + 1) if one else None for one in node.input]
        if not given or given[0] is None:
            return None
        first: NDArray[Any] = given[0]
        match node.op_type:
            case "Identity" | "Cast" | "QuantizeLinear":
                return first
            case "Transpose":
                return first.transpose(_attribute(node, "perm", None))
            case "DequantizeLinear":
                scale, zero = [*given[1:], None, None][:2]
                return _dequantised(first, scale, zero, _attribute(node, "axis", 1))
        return None


def _dequantised(
    values: NDArray[Any], scale: NDArray[Any] | None, zero: NDArray[Any] | None, axis: int
) -> NDArray[np.float32] | None:
    if scale is None or (scale.size > 1 and values.shape[axis] != scale.size):
        return None
    shape = [1] * values.ndim
    if scale.size > 1:
        shape[axis] = scale.size
    point = np.float32(0) if zero is None else zero.astype(np.float32).reshape(shape)
    return np.asarray((values.astype(np.float32) - point) * scale.astype(np.float32).reshape(shape))
