"""What two networks added to the checkpoint that both began from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from birthmark.models.weights import Tensor

LEAST = 3
"""Fewest other networks of that checkpoint."""


@dataclass(frozen=True)
class Added:
    """How alike what was added is.

    Attributes
    ----------
    suspect
        Cosine of what the victim and what the suspect added, -1 to 1.
    references
        The same of the victim and each other network that began there.
    """

    suspect: float
    references: list[float]

    @property
    def p_value(self) -> float | None:
        """How often one more of these networks is as alike, by Student's t.

        None with fewer than 3 of them.
        """
        count = len(self.references)
        if count < LEAST:
            return None
        mine, *others = np.arctanh(np.clip([self.suspect, *self.references], -0.999999, 0.999999))
        spread = max(float(np.std(others, ddof=1)), 1e-6) * np.sqrt(1 + 1 / count)
        return float(scipy.stats.t.sf((mine - np.mean(others)) / spread, count - 1))


def added(
    start: Sequence[Tensor],
    victim: Sequence[Tensor],
    suspect: Sequence[Tensor],
    references: Sequence[Sequence[Tensor]],
) -> Added | None:
    """Compare what was added to a checkpoint's layers; None if a model shares no layer with it.

    Added is, of each unit scaled to length 1, what is at right angles to the checkpoint's unit: so
    a scale of a unit's own, as folding batch norm gives it, adds nothing.
    """
    own = _beside(start, victim)
    alike = [_alike(own, _beside(start, one)) for one in (suspect, *references)]
    if alike[0] is None:
        return None
    return Added(alike[0], [one for one in alike[1:] if one is not None])


def _beside(start: Sequence[Tensor], model: Sequence[Tensor]) -> dict[int, NDArray[np.float64]]:
    """What a model added, by the place of the checkpoint's layer; (units, all else)."""
    found = {}
    left = list(model)
    for i, layer in enumerate(start):
        fitting = [one for one in left if one.values.shape == layer.values.shape]
        if not fitting:
            continue
        begun = _unit(layer.values)
        near = [float(np.mean(np.sum(begun * _unit(one.values), axis=1))) for one in fitting]
        best = fitting[int(np.argmax(near))]
        left = [one for one in left if one is not best]
        here = _unit(best.values)
        found[i] = here - np.sum(here * begun, axis=1, keepdims=True) * begun
    return found


def _alike(
    one: Mapping[int, NDArray[np.float64]], other: Mapping[int, NDArray[np.float64]]
) -> float | None:
    shared = sorted(one.keys() & other.keys())
    sizes = [np.sqrt(sum(float(np.sum(side[i] ** 2)) for i in shared)) for side in (one, other)]
    if not shared or not all(sizes):
        return None
    return sum(float(np.sum(one[i] * other[i])) for i in shared) / float(sizes[0] * sizes[1])


def _unit(kernels: NDArray[np.float32]) -> NDArray[np.float64]:
    rows = kernels.reshape(len(kernels), -1).astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths == 0, np.inf, lengths))
