"""Draws of probes among those recorded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from birthmark.data.outputs import Outputs


def draws(recorded: int, n: int, block: int, count: int, seed: int) -> list[NDArray[np.int64]]:
    """Places of n of the recorded probes, in whole blocks, `count` times.

    Draws are subsets without order, of whatever fits: if all probes are wanted there is but one.

    Returns
    -------
    list of ndarray
        Empty if fewer than n probes, or less than a block, are recorded.
    """
    blocks, wanted = recorded // block, n // block
    if wanted == 0 or wanted > blocks:
        return []
    chosen = []
    for i in range(1 if wanted == blocks else count):
        rng = np.random.default_rng((seed, i, n))
        some = np.sort(rng.permutation(blocks)[:wanted])
        chosen.append((some[:, None] * block + np.arange(block)).ravel())
    return chosen


def taken(outputs: Outputs, places: NDArray[np.int64]) -> Outputs:
    """The answers to some of the probes."""
    return Outputs(outputs.values[places], outputs.kind, outputs.classes)
