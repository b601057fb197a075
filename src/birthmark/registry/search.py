"""Exact search among sketches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from birthmark.registry.sketch import WIDTH

Floats = NDArray[np.float32]
Rows = NDArray[Any]
"""Structured, of `ROW`: the mean, the 256 rows of the weights, then the models."""

ROW = np.dtype([("length", "<f4"), ("sketch", "<f4", (WIDTH,))])
"""A model: its weighted length, and its sketch."""
HEAD = 1 + WIDTH
ENOUGH = 20 * WIDTH
"""So many models tell a covariance; by that of fewer they would look apart from each other."""
RIDGE = 0.1
"""What is added to the variance in every direction, as a share of the mean variance."""
BLOCK = 1 << 14
"""Rows that are read at a time, 17 MB."""
TINY = 1e-12


class Place(NamedTuple):
    """Where a model is among those of an index, and the cosine of its sketch and the suspect's."""

    place: int
    cosine: float


def nearest(rows: Rows, query: Floats, k: int) -> list[Place]:
    """The k models whose sketches have the largest cosine with the query, the nearest first.

    All are compared. What models of one task share says nothing of descent: the mean of all
    sketches is taken from each and from the query. Where there are enough models to tell it,
    cosines are weighted by the inverse covariance, so that directions in which all models differ
    count little (as the score `partial` does).

    Parameters
    ----------
    rows
        An index, weighed.
    query
        A suspect's sketch, float32 (256,).
    k
        How many; fewer where there are fewer.
    """
    mean, weights, models = rows["sketch"][0], rows["sketch"][1:HEAD], rows[HEAD:]
    own = query - mean
    own = weights @ own / max(float(_lengths(own[None], weights)[0]), TINY)
    cosines = np.empty(len(models), np.float32)
    for some, told in _cosines(models, mean, own[None]):
        cosines[some] = told[:, 0]
    k = min(k, len(models))
    first = np.argpartition(-cosines, k - 1)[:k] if k else np.empty(0, np.int64)
    ordered = sorted(first.tolist(), key=lambda i: (-cosines[i], i))
    return [Place(i, float(cosines[i])) for i in ordered]


def nearest_others(rows: Rows, places: NDArray[np.int64]) -> Floats:
    """How near the models at some places come to any other one: cosines, sorted, (places,)."""
    mean, weights, models = rows["sketch"][0], rows["sketch"][1:HEAD], rows[HEAD:]
    own = (models["sketch"][places] - mean) @ weights
    own /= np.maximum(models["length"][places], TINY)[:, None]
    found = np.full(len(places), -1, np.float32)
    for some, told in _cosines(models, mean, own):
        here = np.flatnonzero((places >= some.start) & (places < some.stop))
        told[places[here] - some.start, here] = -1
        np.maximum(found, told.max(axis=0), out=found)
    return np.sort(found)


def weigh(rows: Rows) -> None:
    """Fill in the mean, the weights, and every model's length by these, from the sketches."""
    sketches, lengths = rows["sketch"][HEAD:], rows["length"][HEAD:]
    total, squares = np.zeros(WIDTH), np.zeros((WIDTH, WIDTH))
    for start in range(0, len(sketches), BLOCK):
        total += sketches[start : start + BLOCK].sum(axis=0, dtype=np.float64)
    mean = (total / max(1, len(sketches))).astype(np.float32)
    for start in range(0, len(sketches), BLOCK):
        part = sketches[start : start + BLOCK] - mean
        squares += part.T @ part
    variance = float(np.trace(squares)) / WIDTH
    weights = np.eye(WIDTH, dtype=np.float32)
    if len(sketches) >= ENOUGH and variance > TINY:
        weights = np.linalg.inv(squares / variance + RIDGE * np.eye(WIDTH)).astype(np.float32)
    rows["sketch"][0], rows["sketch"][1:HEAD] = mean, weights
    for start in range(0, len(sketches), BLOCK):
        lengths[start : start + BLOCK] = _lengths(sketches[start : start + BLOCK] - mean, weights)


def _cosines(models: Rows, mean: Floats, own: Floats) -> Iterator[tuple[slice, Floats]]:
    """Block by block the cosines of models with weighted queries of length one, (block, own)."""
    for start in range(0, len(models), BLOCK):
        some = slice(start, min(start + BLOCK, len(models)))
        part = models[some]
        products = part["sketch"] @ own.T - own @ mean
        products /= np.maximum(part["length"], TINY)[:, None]
        yield some, products


def _lengths(sketches: Floats, weights: Floats) -> Floats:
    found: Floats = np.sqrt(np.einsum("ij,ij->i", sketches @ weights, sketches).clip(min=0))
    return found
