"""Products of models' answers as vectors, probe by probe and class by class, or pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.data.outputs import Kind, Outputs

Matrix = NDArray[np.float64]
Floats = NDArray[np.float32]
AT_ONCE = 1 << 24
"""How many numbers of all models are held at a time, beside their answers."""


class Rows:
    """A model's answers, each scaled to length one; of embeddings and labels nothing is copied.

    Parameters
    ----------
    outputs
        Answers to n probes.
    """

    def __init__(self, outputs: Outputs) -> None:
        self.labels = outputs.values if outputs.kind is Kind.LABELS else None
        self.width = outputs.classes
        if self.labels is not None:
            return
        plain = outputs.kind in (Kind.EMBEDDINGS, Kind.SIMILARITIES)
        values = outputs.values if plain else outputs.favour()
        self._values: Floats = np.ascontiguousarray(values, dtype=np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", values, values, dtype=np.float64))
        inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        self._inverse: Floats = inverse.astype(np.float32)

    def points(self, start: int, stop: int) -> Floats:
        """Of some probes, (stop - start, width)."""
        if self.labels is not None:
            ones: Floats = (self.labels[start:stop, None] == np.arange(self.width)).astype(
                np.float32
            )
            return ones
        part: Floats = self._values[start:stop] * self._inverse[start:stop, None]
        return part

    def pairs(self, start: int, stop: int) -> Floats:
        """Cosines of some probes with each from `start` on, (stop - start, n - start)."""
        if self.labels is not None:
            same: Floats = (self.labels[start:stop, None] == self.labels[start:]).astype(np.float32)
            return same
        products: Floats = self._values[start:stop] @ self._values[start:].T
        products *= self._inverse[start:stop, None]
        products *= self._inverse[start:]
        return products


def correlations_of(rows: Sequence[Rows], n: int, *, as_points: bool) -> Matrix:
    """Pearson's correlations of all models' vectors, (models, models).

    Parameters
    ----------
    rows
        The models' answers to the same n probes; as points, of one width.
    n
        How many probes.
    as_points
        Whether a vector is a model's answers, or the cosines of all pairs of its answers.
    """
    if as_points and all(one.labels is not None for one in rows):
        return _of_labels(np.stack([one.labels for one in rows if one.labels is not None]), rows)
    total, sums = np.zeros((len(rows), len(rows))), np.zeros(len(rows))
    for start, stop in _parts(n, n if not as_points else rows[0].width, len(rows)):
        if as_points:
            vectors = np.stack([one.points(start, stop).ravel() for one in rows])
        else:
            later = np.arange(start, n) > np.arange(start, stop)[:, None]
            vectors = np.stack([one.pairs(start, stop)[later] for one in rows])
        total += vectors @ vectors.T
        sums += vectors.sum(axis=1, dtype=np.float64)
    return scaled(total, sums, n * rows[0].width if as_points else n * (n - 1) // 2)


def _parts(n: int, width: int, models: int) -> list[tuple[int, int]]:
    step = max(1, AT_ONCE // (width * models))
    return [(start, min(start + step, n)) for start in range(0, n, step)]


def _of_labels(labels: NDArray[Any], rows: Sequence[Rows]) -> Matrix:
    """Of labels the products are how often two models agree; no rows of ones are made."""
    agree = np.array([(labels == one).sum(axis=1) for one in labels], dtype=np.float64)
    n = labels.shape[1]
    return scaled(agree, np.full(len(labels), float(n)), n * max(one.width for one in rows))


def scaled(products: NDArray[Any], sums: NDArray[Any], length: int) -> Matrix:
    """Pearson's, from sums of products; 0 for a vector that does not vary."""
    centred = products.astype(np.float64) - np.outer(sums, sums) / length
    scale = np.sqrt(np.maximum(np.diag(centred), 0))
    scale = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 1e-6 * length**0.5)
    correlations: Matrix = centred * np.outer(scale, scale)
    return correlations
