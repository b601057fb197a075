"""The weights in a model's file as 2048 numbers that can be compared with other files'."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fnmatch import fnmatch

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.models.adapters.model_files import RECORDED
from birthmark.models.weights import Tensor, read_weights, readable
from birthmark.registry.sketch import WIDTH, Sketches, rounded
from birthmark.witnesses.weights.in_place import hidden
from birthmark.witnesses.weights.matching import COLOURS
from birthmark.witnesses.weights.units import directions

HALF = WIDTH // 2
CHUNK = 1 << 20
"""Weights whose signs are drawn at a time."""
MOST = 1 << 14
"""Units, and weights of a unit, of a layer that takes an image; of more, waves take gigabytes."""
FINE = 3.0
"""How fast the waves are, in radians for a unit of length 1 along a direction of signs."""

Numbers = NDArray[np.float64]


def weights_sketch(tensors: Sequence[Tensor]) -> Sketches | None:
    """What stays of a model's hidden layers; None where it has none.

    Two halves, each of length 1. *In place*: every hidden layer's units as directions, the layer
    brought to length 1, each weight added to one of 1024 numbers with a sign; place and sign depend
    on the layer's shape alone (count sketch: Charikar et al. 2002), so names and order of layers
    play no part. Inner products are kept up to about 1 / sqrt(1024), and two independent networks
    have none. *In any order*: of layers that take an image, the mean over the units of 1024 waves
    (random features of a set: Rahimi and Recht 2007; Smola et al. 2007), which does not depend on
    how many units there are, nor on their order, scales and signs.

    Returns
    -------
    ndarray or None
        int8 (2048,).
    """
    layers = hidden(tensors)
    halves = _in_place(layers), _in_any_order(layers)
    if not any(half.any() for half in halves):
        return None
    return rounded(np.concatenate([_unit(half) for half in halves]))


def sketch_of_file(spec: str) -> tuple[Sketches | None, BirthmarkError | None]:
    """The sketch of what a model is named by, or why its weights can't be read.

    Neither for what has no weights to read: an API, code, a linear model; nor for recorded answers,
    which are what a suspect's safetensors file is.
    """
    if not readable(spec) or any(fnmatch(spec.lower(), one) for one in RECORDED):
        return None, None
    try:
        return weights_sketch(read_weights(spec)), None
    except BirthmarkError as error:
        return None, error


def _in_place(layers: Sequence[Tensor]) -> Numbers:
    total = np.zeros(HALF)
    for one in layers:
        weights = directions(one.values).reshape(-1)
        length = float(np.linalg.norm(weights))
        for start in range(0, len(weights) if length else 0, CHUNK):
            some = weights[start : start + CHUNK]
            drawn = np.frombuffer(_bits(f"{one.values.shape} {start}", 2 * len(some)), "<u2")
            signed = np.where(drawn >> 15, some, -some)
            total += np.bincount(drawn % HALF, signed, HALF) / length
    return total


def _in_any_order(layers: Sequence[Tensor]) -> Numbers:
    total = np.zeros(HALF)
    for one in layers:
        window = one.values.shape[1:]
        if len(window) == 1 or window[0] > COLOURS:
            continue
        units = one.values.reshape(len(one.values), -1)
        if max(units.shape) > MOST:
            continue
        units = units.astype(np.float64)
        lengths = np.linalg.norm(units, axis=1)
        units = units[lengths > 0] / lengths[lengths > 0, None]
        bits = _bits(f"{window}", units.shape[1] * HALF // 8)
        signs = 2.0 * np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(-1, HALF) - 1
        if len(units):
            total += np.cos(FINE * units @ signs).mean(axis=0)
    return total


def _bits(of: str, size: int) -> bytes:
    """The same for everybody: of SHAKE-256, no library's generator."""
    return hashlib.shake_256(f"birthmark-sketch/2 weights {of}".encode()).digest(size)


def _unit(half: Numbers) -> Numbers:
    return half / max(float(np.linalg.norm(half)), 1e-12)
