"""Models of a zoo as their weights: whose copies they are, disguises, and other sketches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy
from benchmarks.witnesses import STUDENTS
from numpy.typing import NDArray

from birthmark.models.weights import Tensor
from birthmark.models.weights.safetensors import natural
from birthmark.models.weights.tensors import from_torch
from birthmark.registry.sketch import WIDTH, Sketches, rounded
from birthmark.registry.weights_sketch import HALF, weights_sketch
from birthmark.witnesses.weights.in_place import hidden
from birthmark.witnesses.weights.matching import COLOURS
from birthmark.witnesses.weights.units import directions


class Model(NamedTuple):
    """A model: its record, its weights, whose copy it is, the checkpoint where that began."""

    told: dict[str, Any]
    tensors: list[Tensor]
    victim: str | None
    checkpoint: str | None


def models(zoo: Path) -> dict[str, Model]:
    """All models of a zoo that have weights, but the checkpoints."""
    told = {}
    for record in sorted((zoo / "models").rglob("*.json")):
        if record.with_suffix(".safetensors").is_file():
            one = json.loads(record.read_text())
            told[one["name"]] = one
    found = {}
    for name, one in told.items():
        if one["recipe"] == "pretrained":
            continue
        first = name
        while (parent := _parent(told[first])) is not None and parent in told:
            first = parent
        file = (zoo / "models" / name).with_suffix(".safetensors")
        held = sorted(safetensors.numpy.load_file(file).items(), key=lambda item: natural(item[0]))
        tensors = [t for key, values in held if values.ndim >= 2 for t in from_torch(key, values)]
        copied = None if first == name else first
        found[name] = Model(one, tensors, copied, told[first].get("start"))
    return found


def _parent(told: dict[str, Any]) -> str | None:
    parent: str | None = told["parent"]
    return None if told["recipe"] in STUDENTS else parent


def teachers(everyone: dict[str, Model], name: str) -> set[str]:
    """All that a model learnt from, by answers or weights, itself too."""
    met: set[str] = set()
    at: str | None = name
    while at is not None and at not in met:
        met.add(at)
        at = everyone[at].told["parent"] if at in everyone else None
    return met


def _each(change: Callable[[NDArray[np.float32]], NDArray[Any]]) -> Callable[..., list[Tensor]]:
    return lambda tensors, _: [
        Tensor(t.name, np.asarray(change(t.values), np.float32)) for t in tensors
    ]


def _eight_bits(values: NDArray[np.float32]) -> NDArray[np.float32]:
    scale = np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True) / 127
    return np.asarray(np.round(values / np.maximum(scale, 1e-12)))


def _least(share: float) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    return lambda v: np.where(np.abs(v) < np.quantile(np.abs(v), share), 0, v)


def _renamed(tensors: Sequence[Tensor], seed: int) -> list[Tensor]:
    order = np.random.default_rng(seed).permutation(len(tensors))
    return [Tensor(f"layer {i}", tensors[place].values) for i, place in enumerate(order)]


def _scaled(tensors: Sequence[Tensor], seed: int) -> list[Tensor]:
    rng = np.random.default_rng(seed)
    made = []
    for one in tensors:
        scales = rng.lognormal(size=len(one.values)).astype(np.float32)
        made.append(Tensor(one.name, one.values * scales.reshape(-1, *[1] * (one.values.ndim - 1))))
    return made


def _stirred(keep: float) -> Callable[[Sequence[Tensor], int], list[Tensor]]:
    def stirred(tensors: Sequence[Tensor], seed: int) -> list[Tensor]:
        rng = np.random.default_rng(seed)
        made, order = [], None
        for one in tensors:
            values = one.values
            if values.ndim == 4:
                values = values if order is None else values[:, order]
                order = rng.permutation(len(values))[: round(keep * len(values))]
                values = values[order]
            made.append(Tensor(one.name, values))
        return made

    return stirred


def _new_first(tensors: Sequence[Tensor], seed: int) -> list[Tensor]:
    rng = np.random.default_rng(seed)
    return [
        Tensor(one.name, rng.standard_normal(one.values.shape, np.float32))
        if one.values.ndim == 4 and one.values.shape[1] <= COLOURS
        else one
        for one in tensors
    ]


FIRST = "first layer drawn anew"
CHAIN = "units in another order", "three of ten channels cut out, units in another order"
"""Disguises for networks that are a chain of convolutions."""
DISGUISES: dict[str, Callable[[Sequence[Tensor], int], list[Tensor]]] = {
    "half precision": _each(lambda v: v.astype(np.float16)),
    "eight bits a weight, by unit": _each(_eight_bits),
    "half of each layer's weights zero": _each(_least(0.5)),
    "nine tenths of them zero": _each(_least(0.9)),
    "layers renamed and reordered": _renamed,
    "units scaled, as folded batch norm is": _scaled,
    FIRST: _new_first,
    CHAIN[0]: _stirred(1.0),
    CHAIN[1]: _stirred(0.7),
}

Way = Callable[[Sequence[Tensor]], Sketches]


def _half(first: bool) -> Way:
    def half(tensors: Sequence[Tensor]) -> Sketches:
        numbers = sketched(tensors)
        numbers[HALF if first else 0 : WIDTH if first else HALF] = 0
        return numbers

    return half


def sketched(tensors: Sequence[Tensor]) -> Sketches:
    """The product's sketch, zeros where there is none."""
    numbers = weights_sketch(tensors)
    return np.zeros(WIDTH, np.int8) if numbers is None else numbers


def _projected(vectors: Sequence[tuple[str, NDArray[Any]]]) -> Sketches:
    total = np.zeros(WIDTH)
    for key, vector in vectors:
        seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], (vector.size, WIDTH))
        total += vector.reshape(-1) @ signs
    return rounded(total / np.linalg.norm(total))


def _singular(tensors: Sequence[Tensor]) -> Sketches:
    found = []
    for one in hidden(tensors):
        values = np.linalg.svd(directions(one.values), compute_uv=False)
        places = (np.arange(32) + 0.5) / 32 * len(values)
        spread = np.interp(places, np.arange(len(values)) + 0.5, values)
        found.append((str(one.values.shape), spread / np.linalg.norm(spread)))
    return _projected(found)


def _windows(tensors: Sequence[Tensor]) -> Sketches:
    found = []
    for one in hidden(tensors):
        rows = directions(one.values).reshape(*one.values.shape[:2], -1)
        if rows.shape[2] > 1:
            found.append((str(one.values.shape[2:]), np.einsum("uip,uiq->pq", rows, rows)))
    return _projected([(key, moments / np.trace(moments)) for key, moments in found])


WAYS: dict[str, Way] = {
    "both halves": sketched,
    "in place": _half(True),
    "in any order": _half(False),
    "singular values of each layer": _singular,
    "second moments of each layer's windows": _windows,
}
"""What was tried; the first is used."""
