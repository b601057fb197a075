"""Networks as their weights alone, and what copies of them go through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import safetensors.numpy
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Layers = dict[str, NDArray[np.float32]]


def network(seed: int) -> Layers:
    """Random weights; the third layer goes from some units to the same ones, and keeps them."""
    rng = np.random.default_rng(seed)
    shapes = {"1": (32, 3, 3, 3), "2": (64, 32, 3, 3), "3": (64, 64, 3, 3), "4": (96, 64, 1, 1)}
    made = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    made["3"][np.arange(64), np.arange(64)] += 40
    return made | {"head": rng.standard_normal((10, 96), np.float32)}


def noisy(layers: Layers, share: float, seed: int = 9) -> Layers:
    rng = np.random.default_rng(seed)
    return {
        name: one + share * one.std() * rng.standard_normal(one.shape, np.float32)
        for name, one in layers.items()
    }


def folded(layers: Layers) -> Layers:
    rng = np.random.default_rng(3)
    scales = {
        n: rng.uniform(0.2, 3, len(one)) * rng.choice([1, 1, 1, -1]) for n, one in layers.items()
    }
    return {
        name: (one * scales[name].reshape(-1, *[1] * (one.ndim - 1))).astype(np.float32)
        for name, one in layers.items()
    }


def in_eight_bits(layers: Layers) -> Layers:
    return {name: np.round(one / np.abs(one).max() * 127) for name, one in layers.items()}


def dropped(layers: Layers) -> Layers:
    """A third of the channels set to nothing."""
    kept = {name: one.copy() for name, one in layers.items()}
    for one in kept.values():
        one[::3] = 0
    return kept


def rearranged(layers: Layers, keep: float = 1.0, *, sort: bool = False) -> Layers:
    rng = np.random.default_rng(5)
    made: Layers = {}
    order: NDArray[np.int64] | None = None
    for name, one in layers.items():
        one = one if order is None else one[:, order]
        order = rng.permutation(len(one))[: int(keep * len(one))]
        order = np.sort(order) if sort else order
        made[name] = one if name == "head" else one[order]
    return made


def as_keras(layers: Layers) -> Layers:
    turned = {n: np.moveaxis(one, (0, 1), (-1, -2)) for n, one in layers.items()}
    return {f"{n}/kernel": np.ascontiguousarray(one) for n, one in turned.items()}


def renamed(layers: Layers) -> Layers:
    return {f"layer.{9 - i}": one for i, one in enumerate(layers.values())}


def with_new_head(layers: Layers) -> Layers:
    return layers | {"head": np.ones((100, 96), np.float32)}


DISGUISES: dict[str, Callable[[Layers], Layers]] = {
    "none": lambda one: one,
    "trained on": lambda one: noisy(one, 0.8),
    "batch norm folded": folded,
    "eight bits": in_eight_bits,
    "channels dropped": dropped,
    "kernels as Keras has them": as_keras,
    "layers renamed and reordered": renamed,
    "a new head": with_new_head,
    "all": lambda one: renamed(with_new_head(in_eight_bits(dropped(noisy(one, 0.3))))),
}


def saved(path: Path, layers: Layers) -> Path:
    path.write_bytes(safetensors.numpy.save(layers))
    return path


def as_onnx(path: Path, layers: Layers) -> Path:
    """A graph that uses every layer, though it could not be run."""
    nodes = [
        helper.make_node("Conv" if one.ndim > 2 else "Gemm", ["x", name], [f"to {name}"])
        for name, one in layers.items()
    ]
    held = [numpy_helper.from_array(one, name) for name, one in layers.items()]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", inputs, [], held)), path)
    return path
