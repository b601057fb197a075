"""Search among sketches: all by their signs, then the nearest of these exactly."""

from __future__ import annotations

import mmap
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from birthmark.registry.sketch import WIDTH, Sketches

Floats = NDArray[np.float32]

DIRECTIONS = 128
"""So many directions in which models differ most are scaled, at most."""
EACH = 16
"""One direction for so many models; with more, models look apart that are not."""
FIRST = 5_000
"""So many that agree with a query in most signs are compared exactly."""
CODE = WIDTH // 16
BLOCK = 1 << 11
FEW = 1 << 8
ONES = np.array([one.bit_count() for one in range(1 << 16)], np.uint8)
TINY = 1e-12


class Rows(NamedTuple):
    """The sketches of an index.

    Attributes
    ----------
    sketches
        int8 (n, 2048).
    codes
        Signs of the scaled sketches, uint16 (n, 128).
    scale
        As `scale_of` tells them.
    """

    sketches: Sketches
    codes: NDArray[np.uint16]
    scale: Floats


class Place(NamedTuple):
    """Where a model is among those of an index, and the cosine of its sketch and the suspect's."""

    place: int
    cosine: float


def nearest(rows: Rows, query: Sketches, k: int) -> list[Place]:
    """The k models whose scaled sketches have the largest cosine with the query's.

    Of more than 5,000 models only those are compared that agree with the query in most signs
    (Charikar 2002): a cosine of .1 is told from 0 by more than four standard deviations of so many
    signs. Their sketches are let go of again, lest the whole file is held.

    Parameters
    ----------
    rows
        An index's.
    query
        A suspect's sketch, int8 (2048,).
    k
        How many; fewer where there are fewer.
    """
    own = scaled(query[None], rows.scale)
    places = np.arange(len(rows.sketches))
    if len(places) > FIRST:
        places = np.sort(np.argpartition(differing(rows.codes, codes_of(own)[0]), FIRST)[:FIRST])
    cosines = np.empty(len(places), np.float32)
    for start in range(0, len(places), FEW):
        some = slice(start, start + FEW)
        cosines[some] = scaled(rows.sketches[places[some]], rows.scale) @ own[0]
        if isinstance(rows.sketches.base, mmap.mmap):
            rows.sketches.base.madvise(mmap.MADV_DONTNEED)
    order = np.argsort(-cosines, kind="stable")[:k]
    return [Place(int(places[i]), float(cosines[i])) for i in order]


def differing(codes: NDArray[np.uint16], query: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """In how many signs each model differs from a query, (n,)."""
    found = np.empty(len(codes), np.uint16)
    for start in range(0, len(codes), BLOCK):
        some = slice(start, start + BLOCK)
        found[some] = ONES[codes[some] ^ query].sum(axis=1, dtype=np.uint16)
    return found


def scale_of(sketches: Sketches, places: NDArray[np.int64]) -> Floats:
    """What models have in common, and the directions in which they differ most.

    What all models of one task share says nothing of descent, and where two differ as all do,
    that says little; the score `partial` counts so too.

    Parameters
    ----------
    sketches
        int8 (n, 2048).
    places
        Those that tell it, which then look further apart than the others do; where they are too
        few for a direction, all tell the mean.

    Returns
    -------
    ndarray
        float32 (1 + k, 2048): the mean, and k directions; a direction's length squared is the part
        of it that is taken away, so that it varies as the rest does on average.
    """
    count = min(DIRECTIONS, len(places) // EACH)
    told = sketches[places] if count else sketches
    mean: NDArray[np.float64] = told.sum(axis=0, dtype=np.int64) / max(1, len(told))
    if not count:
        return mean[None].astype(np.float32)
    apart = told - mean
    few = len(apart) < WIDTH
    products = apart @ apart.T if few else apart.T @ apart
    values, vectors = np.linalg.eigh(products)
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    if few:
        vectors = apart.T @ vectors / np.sqrt(np.maximum(values, TINY))
    rest = (np.trace(products) - values.sum()) / (len(products) - count)
    taken = 1 - np.sqrt(np.clip(rest / np.maximum(values, TINY), 0, 1))
    return np.vstack([mean, (vectors * np.sqrt(taken)).T]).astype(np.float32)


def scaled(sketches: Sketches, scale: Floats) -> Floats:
    """Sketches less the mean and the shares of directions, of length 1; float32 (n, 2048)."""
    mean, directions = scale[0], scale[1:]
    rows: Floats = sketches - mean
    rows -= (rows @ directions.T) @ directions
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), TINY)
    return rows


def codes_of(rows: Floats) -> NDArray[np.uint16]:
    """Signs of scaled sketches, uint16 (n, 128)."""
    return np.packbits(rows > 0, axis=1).view(np.uint16)


def coded(
    sketches: Sketches, scale: Floats, places: NDArray[np.int64]
) -> tuple[NDArray[np.uint16], Floats]:
    """The codes of all models, and how near those at some places come to any other one.

    Returns
    -------
    tuple
        uint16 (n, 128); float32 (places,), cosines, sorted.
    """
    codes = np.empty((len(sketches), CODE), np.uint16)
    drawn = scaled(sketches[places], scale)
    found = np.full(len(places), -1, np.float32)
    for start in range(0, len(sketches), BLOCK):
        part = scaled(sketches[start : start + BLOCK], scale)
        codes[start : start + BLOCK] = codes_of(part)
        cosines = part @ drawn.T
        here = np.flatnonzero((places >= start) & (places < start + BLOCK))
        cosines[places[here] - start, here] = -1
        np.maximum(found, cosines.max(axis=0), out=found)
    return codes, np.sort(found)
