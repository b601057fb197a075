"""From outputs to correlation matrices and the distance between two of them.

Both are computed block by block over the upper triangle: the distance needs no matrix at all,
and half the products of the plain formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.outputs import Kind, Outputs

Floats = NDArray[np.float32]
BLOCK = 512


class Correlation(StrEnum):
    """How alike two answers are."""

    COSINE = "cosine"
    """1 - cos, 0 to 2: the scale of SAC-JC's published code."""
    HALF_COSINE = "halfcosine"
    """(1 - cos) / 2, 0 to 1: the scale of SAC's published code."""
    RBF = "rbf"
    """exp(-|a - b|^2) of answers scaled to length one, 0.018 to 1."""


@dataclass(frozen=True)
class Units:
    """Answers scaled to length one, float32 (n, width), and their squared lengths, 1 or 0."""

    rows: Floats
    squares: Floats


def units(outputs: Outputs) -> Units:
    """Scale each answer to length one; an answer of zeros stays zero.

    Labels become softmax(one-hot with 0.01 elsewhere), as in the published label-only code.
    Lengths are accumulated in float64, so that large logits do not overflow.
    """
    values = _label_rows(outputs) if outputs.kind is Kind.LABELS else outputs.values
    lengths = np.sqrt(np.einsum("ij,ij->i", values, values, dtype=np.float64))
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    rows = (values * inverse[:, None]).astype(np.float32)
    return Units(rows, (lengths > 0).astype(np.float32))


def similarities(outputs: Outputs, images: int) -> Outputs:
    """How alike each answer is to those to the first `images` images, which are left away.

    Parameters
    ----------
    outputs
        Embeddings (n, width), or similarities (n, images) as they were answered.
    images
        How many images, the first ones, are reference images.

    Returns
    -------
    Outputs
        Similarities (n - images, images): cosines, or those that were answered.

    Raises
    ------
    BirthmarkError
        If there are not two probes besides the reference images, or the similarities are to
        another number of images.
    """
    if len(outputs) < images + 2:
        raise BirthmarkError(
            f"{len(outputs)} probes",
            f"are too few for {images} reference images",
            f"ask for {images + 2} probes or more",
        )
    if outputs.kind is not Kind.SIMILARITIES:
        rows = units(outputs).rows
        return Outputs(rows[images:] @ rows[:images].T, Kind.SIMILARITIES, images)
    if outputs.classes != images:
        raise BirthmarkError(
            "similarities",
            f"are to {outputs.classes} reference images, but the method takes {images}",
            f"compare each probe with the first {images}",
        )
    return outputs.after(images)


def correlation_matrix(outputs: Outputs, correlation: Correlation) -> Floats:
    """Correlations among n answers, symmetric float32 (n, n).

    Source: SAC, arXiv 2210.15427, section 3; SAC-JC, arXiv 2412.20768.
    """
    one = units(outputs)
    n = len(one.rows)
    matrix = np.empty((n, n), dtype=np.float32)
    for rows, columns in _upper_blocks(n):
        block = _finished(_products(one, rows, columns), one, rows, columns, correlation)
        matrix[rows, columns] = block
        matrix[columns, rows] = block.T
    return matrix


def unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """A vector scaled to length one; zeros stay zero."""
    length = float(np.linalg.norm(vector))
    scaled: NDArray[np.float64] = vector / length if length > 0 else vector
    return scaled


def triangle(rows: Floats) -> Floats:
    """Cosines of all pairs i < j of n rows of length one, float32 (n (n - 1) / 2,), row by row."""
    products: Floats = rows @ rows.T
    return products[np.triu_indices(len(rows), 1)]


def mean_absolute_differences(
    one: Units, others: Sequence[Units], correlation: Correlation
) -> list[float]:
    """For each other model: the mean over all i, j of |A_ij - B_ij|, A and B the matrices of both.

    Parameters
    ----------
    one, others
        Models' answers to the same n probes; their widths may differ.
    correlation
        Which matrices to compare.

    Returns
    -------
    list of float
        0 for equal matrices; at most 2 (cosine) or 1.

    Raises
    ------
    ValueError
        If the numbers of answers differ.
    """
    n = len(one.rows)
    if any(len(other.rows) != n for other in others):
        raise ValueError(f"{n} answers against {[len(other.rows) for other in others]}")
    totals = [0.0] * len(others)
    for rows, columns in _upper_blocks(n):
        mine = _comparable(one, rows, columns, correlation)
        for i, other in enumerate(others):
            difference = _comparable(other, rows, columns, correlation)
            difference -= mine
            np.abs(difference, out=difference)
            part = float(difference.sum(axis=1).sum(dtype=np.float64))
            totals[i] += part if rows == columns else 2 * part
    scale = 0.5 if correlation is Correlation.HALF_COSINE else 1.0
    return [scale * total / (n * n) for total in totals]


def _comparable(one: Units, rows: slice, columns: slice, correlation: Correlation) -> Floats:
    """A block whose differences are those of the correlations: for the cosines, the products."""
    products = _products(one, rows, columns)
    if correlation is Correlation.RBF:
        return _finished(products, one, rows, columns, correlation)
    return products


def _upper_blocks(n: int) -> Iterator[tuple[slice, slice]]:
    slices = [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
    for i, rows in enumerate(slices):
        for columns in slices[i:]:
            yield rows, columns


def _products(one: Units, rows: slice, columns: slice) -> Floats:
    product: Floats = one.rows[rows] @ one.rows[columns].T
    return product


def _finished(
    products: Floats, one: Units, rows: slice, columns: slice, correlation: Correlation
) -> Floats:
    """Turn inner products into correlations, in place."""
    if correlation is Correlation.RBF:
        products *= 2
        products -= one.squares[rows, None]
        products -= one.squares[columns]
        np.minimum(products, 0, out=products)
        return np.exp(products, out=products)
    np.clip(products, -1, 1, out=products)
    np.subtract(1, products, out=products)
    if correlation is Correlation.HALF_COSINE:
        products *= 0.5
    return products


def _label_rows(outputs: Outputs) -> Floats:
    rows = np.full((len(outputs), outputs.classes), np.exp(0.01), dtype=np.float32)
    rows[np.arange(len(outputs)), outputs.values.astype(np.int64)] = np.e
    rows /= rows[:1].sum(axis=1)
    return rows
