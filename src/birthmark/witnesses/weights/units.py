"""Units of a layer as directions, and which of the victim's each of the suspect's is nearest to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST = 8
"""Fewest units, and fewest numbers a unit, of a layer that is compared."""
MOST = 256
"""Units of a suspect's layer that are looked at: their chance hits are as rare as can be told."""
CLEAR = 1e-5
"""By how much the nearest must be nearer than the next; of tied units none is nearest."""
NOTHING = 1e-4
"""Length below which what is left of a unit, less the mean, is rounding."""

Rows = NDArray[np.float32]


def directions(kernels: NDArray[np.float32]) -> Rows:
    """A layer's units as vectors of length 1, less their mean; (units, all else) float32.

    A scale of each unit's own, as folding batch norm or a quantisation gives, changes nothing but
    the mean. Units without weights stay 0.
    """
    rows = _unit(kernels.reshape(len(kernels), -1), 0)
    alive = rows.any(axis=1)
    if alive.any():
        rows[alive] -= rows[alive].mean(axis=0)
    return _unit(rows, NOTHING)


def _unit(rows: Rows, nothing: float) -> Rows:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths <= nothing, np.inf, lengths))


def nearest(victim: Rows, suspect: Rows) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each of the suspect's units the victim's nearest, whichever sign it has.

    Returns
    -------
    tuple
        Places among the victim's, -1 where two are as near; absolute cosines, 0 to 1.
    """
    alike = np.abs(suspect @ victim.T)
    found = alike.argmax(axis=1)
    here = np.arange(len(alike))
    best = alike[here, found]
    alike[here, found] = -1
    clear = best - alike.max(axis=1, initial=-1) > CLEAR
    return np.where(clear, found, -1), best
