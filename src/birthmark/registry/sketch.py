"""A model's answers to a task set as 2048 numbers that can be compared with other models'."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.outputs import Kind, Outputs, unit_rows

Sketches = NDArray[np.int8]

WIDTH = 2048
SCALE = 24
"""A number's standard deviation: rounding adds a thousandth of its variance, 127 is far out."""
PART = 1 << 11
KEY = b"birthmark-sketch/2 %d"


def sketch(outputs: Outputs) -> Sketches:
    """What stays of the correlations among a model's answers.

    The upper triangle of the probes' correlation matrix, brought to mean 0 and length 1, times a
    matrix of signs that is the same for everybody. Inner products of triangles are kept up to
    about 1 / sqrt(2048) (Johnson and Lindenstrauss; signs: Achlioptas 2003). It does not matter
    how many classes a model has, what they are called, or whether it tells logits or
    probabilities.

    Parameters
    ----------
    outputs
        Answers to all n probes. Of probabilities the square roots are correlated (Hellinger:
        neither the largest alone nor the smallest count), less their mean over the probes; two
        labels correlate by 1 where they agree and by 0 where they don't.

    Returns
    -------
    ndarray
        int8 (2048,), of standard deviation 24.

    Raises
    ------
    BirthmarkError
        If they are similarities to reference images, or every pair correlates alike.
    """
    vector = _triangle(outputs).astype(np.float32)
    bits = hashlib.shake_256(KEY % len(outputs)).digest(len(vector) * WIDTH // 8)
    signs = np.frombuffer(bits, np.uint8).reshape(len(vector), WIDTH // 8)
    projected = np.zeros(WIDTH, np.float32)
    for start in range(0, len(vector), PART):
        some = slice(start, start + PART)
        ones = np.unpackbits(signs[some], axis=1).astype(np.float32)
        projected += 2 * (vector[some] @ ones) - vector[some].sum()
    return rounded(projected / np.sqrt(WIDTH))


def rounded(numbers: NDArray[np.floating]) -> Sketches:
    """Numbers (2048,), together of a length of about 1, as they are kept."""
    whole: Sketches = np.clip(np.round(SCALE * np.sqrt(WIDTH) * numbers), -127, 127).astype(np.int8)
    return whole


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
