"""Decision distance vectors (ModelDiff)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from birthmark.data.outputs import Outputs
from birthmark.scores.base import ANSWERS, SCORES, Apart
from birthmark.scores.correlation import unit, units


class Ddv(Apart):
    """1 - cosine of two models' decision distance vectors.

    Probes are consecutive pairs (x, x'); a model's vector holds, for each pair, the cosine distance
    between its answers to both. Widths and names of classes may differ.

    Source: ModelDiff, ISSTA 2021, section 4.
    """

    name = "ddv"
    kinds = ANSWERS
    block = 2

    def distances(self, victim: Outputs, models: Sequence[Outputs]) -> list[float]:
        """0 to 1; 1 where a model tells no pair apart."""
        mine = _vector(victim)
        return [1 - float(mine @ _vector(model)) for model in models]


def _vector(outputs: Outputs) -> NDArray[np.float64]:
    rows = units(outputs).rows.astype(np.float64)
    apart = np.clip(1 - np.einsum("ij,ij->i", rows[0::2], rows[1::2]), 0, 2)
    return unit(apart)


SCORES.register(r"ddv", example="ddv")(Ddv)
