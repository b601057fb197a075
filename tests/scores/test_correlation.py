from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from birthmark.data.outputs import Kind, Outputs
from birthmark.scores.correlation import (
    Correlation,
    correlation_matrix,
    mean_absolute_differences,
    units,
)


def outputs(values: NDArray[np.floating], kind: Kind = Kind.LOGITS) -> Outputs:
    return Outputs(np.asarray(values, np.float32), kind, values.shape[1])


def distance(a: Outputs, b: Outputs, correlation: Correlation) -> float:
    return mean_absolute_differences(units(a), [units(b)], correlation)[0]


def plainly(values: NDArray[np.floating], correlation: Correlation) -> NDArray[np.float64]:
    """The double loop that the kernel must agree with, in float64."""
    n = len(values)
    matrix = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            a, b = values[i].astype(np.float64), values[j].astype(np.float64)
            a, b = a / (np.linalg.norm(a) or 1), b / (np.linalg.norm(b) or 1)
            matrix[i, j] = {
                Correlation.COSINE: 1 - a @ b,
                Correlation.HALF_COSINE: (1 - a @ b) / 2,
                Correlation.RBF: math.exp(-((a - b) @ (a - b))),
            }[correlation]
    return matrix


@pytest.mark.parametrize("correlation", list(Correlation))
@pytest.mark.parametrize(("n", "width"), [(2, 2), (37, 10), (530, 7)])
def test_the_kernel_agrees_with_a_double_loop(correlation: Correlation, n: int, width: int) -> None:
    rng = np.random.default_rng(n)
    values = rng.normal(size=(n, width)) * rng.lognormal(3, 2, size=(n, 1))
    values[0] = 0
    other = rng.normal(size=(n, width + 1))
    expected = plainly(values, correlation)
    assert np.allclose(correlation_matrix(outputs(values), correlation), expected, atol=2e-6)
    measured = distance(outputs(values), outputs(other), correlation)
    assert measured == pytest.approx(
        np.abs(expected - plainly(other, correlation)).mean(), rel=1e-5, abs=1e-7
    )


def test_published_scales() -> None:
    """SAC-JC stores 1 - cos, SAC (1 - cos) / 2."""
    opposite = outputs(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]))
    assert correlation_matrix(opposite, Correlation.COSINE)[0].tolist() == [0, 2, 1]
    assert correlation_matrix(opposite, Correlation.HALF_COSINE)[0].tolist() == [0, 1, 0.5]
    rbf = correlation_matrix(opposite, Correlation.RBF)[0]
    assert rbf.tolist() == pytest.approx([1, math.exp(-4), math.exp(-2)])


def test_half_cosine_is_half_of_cosine() -> None:
    rng = np.random.default_rng(0)
    a, b = (outputs(rng.normal(size=(20, 5))) for _ in range(2))
    whole = distance(a, b, Correlation.COSINE)
    assert distance(a, b, Correlation.HALF_COSINE) == pytest.approx(whole / 2)


def test_huge_and_tiny_logits_keep_their_direction() -> None:
    values = np.array([[1e30, 1e30], [1e-30, 1e-30], [1e30, -1e30]])
    matrix = correlation_matrix(outputs(values), Correlation.COSINE)
    assert np.allclose(matrix, [[0, 0, 1], [0, 0, 1], [1, 1, 0]], atol=1e-6)


def test_labels_give_a_same_or_different_matrix_times_a_constant() -> None:
    """The published label-only code: softmax of one-hot with 0.01 elsewhere, then cosine."""
    labels = Outputs(np.array([0, 2, 0]), Kind.LABELS, 3)
    vectors = np.exp(np.where(np.eye(3), 1, 0.01))[[0, 2, 0]]
    expected = plainly(vectors, Correlation.COSINE)
    matrix = correlation_matrix(labels, Correlation.COSINE)
    assert np.allclose(matrix, expected, atol=1e-6)
    assert matrix[0, 1] > 0.1
    assert np.unique(matrix.round(5)).size == 2


def test_distance_ignores_rotation_of_embeddings() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(30, 6))
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    assert distance(outputs(values), outputs(values @ rotation), Correlation.COSINE) < 1e-6


def test_another_number_of_answers_is_refused() -> None:
    rng = np.random.default_rng(1)
    a, b = (outputs(rng.normal(size=(n, 3))) for n in (4, 5))
    with pytest.raises(ValueError, match="4 answers against"):
        distance(a, b, Correlation.COSINE)
