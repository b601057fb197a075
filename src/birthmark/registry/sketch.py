"""A model's answers to a task set as 256 numbers that can be compared with other models'."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.outputs import Kind, Outputs, unit_rows

WIDTH = 256
DIGITS = 6
"""After the point, of each number."""
KEY = b"birthmark-sketch/1 %d"


def sketch(outputs: Outputs) -> NDArray[np.float32]:
    """What stays of the correlations among a model's answers.

    The upper triangle of the probes' correlation matrix, brought to mean 0 and length 1, times a
    matrix of signs that is the same for everybody. Inner products of triangles are kept up to
    about 1 / sqrt(256) (Johnson and Lindenstrauss; signs: Achlioptas 2003). It does not matter how
    many classes a model has, what they are called, or whether it tells logits or probabilities.

    Parameters
    ----------
    outputs
        Answers to all n probes. Of probabilities the square roots are correlated (Hellinger:
        neither the largest alone nor the smallest count), less their mean over the probes; two
        labels correlate by 1 where they agree and by 0 where they don't.

    Returns
    -------
    ndarray
        float32 (256,); its length is about 1.

    Raises
    ------
    BirthmarkError
        If they are similarities to reference images, or every pair correlates alike.
    """
    projected = _triangle(outputs).astype(np.float32) @ _signs(len(outputs))
    numbers: NDArray[np.float32] = np.round(projected / np.sqrt(WIDTH), DIGITS).astype(np.float32)
    return numbers


def _triangle(outputs: Outputs) -> NDArray[np.float64]:
    """The standardised upper triangle, float64 (n (n - 1) / 2,)."""
    if outputs.kind is Kind.SIMILARITIES:
        raise BirthmarkError(
            "a task set",
            "does not work with similarities",
            "name a model that answers each image by itself",
        )
    if outputs.kind is Kind.LABELS:
        labels = outputs.predicted()
        matrix = (labels[:, None] == labels[None]).astype(np.float64)
    else:
        tells = outputs.kind.tells_classes
        values = (outputs.to(Kind.PROBABILITIES) if tells else outputs).values.astype(np.float64)
        values = np.sqrt(np.maximum(values, 0)) if tells else values
        rows = unit_rows(values - values.mean(axis=0))
        matrix = rows @ rows.T
    vector = matrix[np.triu_indices(len(outputs), 1)]
    vector = vector - vector.mean()
    length = float(np.linalg.norm(vector))
    if length < 1e-9:
        raise BirthmarkError(
            "a task set",
            "got answers that are all equally alike, which say nothing",
            "check the declaration, or make a set of images of the model's own task",
        )
    unit: NDArray[np.float64] = vector / length
    return unit


@lru_cache(maxsize=2)
def _signs(n: int) -> NDArray[np.float32]:
    """Signs of n probes' pairs, (n (n - 1) / 2, 256): of SHAKE-256, no library's generator."""
    pairs = n * (n - 1) // 2
    bits = hashlib.shake_256(KEY % n).digest(pairs * WIDTH // 8)
    ones = np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(pairs, WIDTH)
    return 2 * ones.astype(np.float32) - 1
