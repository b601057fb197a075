"""Jensen-Shannon distance between answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from birthmark.data.outputs import Kind, Outputs
from birthmark.scores.base import SCORES, Apart


class JensenShannon(Apart):
    """Mean over the probes of the Jensen-Shannon distance between class probabilities.

    Source: DeepJudge, arXiv 2112.05588, section IV, its black-box metric JSD, there on adversarial
    examples of the victim.
    """

    name = "jensen-shannon"
    kinds = (Kind.PROBABILITIES,)
    lines_up = True

    def distances(self, victim: Outputs, models: Sequence[Outputs]) -> list[float]:
        """0 to 1, in bits."""
        mine = _sure(victim)
        return [float(np.sqrt(_divergence(mine, _sure(model))).mean()) for model in models]


def _sure(outputs: Outputs) -> NDArray[np.float64]:
    """Probabilities as float64, above 0 and summing to 1, whatever rounding did to them."""
    p = np.maximum(outputs.values.astype(np.float64), 1e-12)
    shares: NDArray[np.float64] = p / p.sum(axis=1, keepdims=True)
    return shares


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    m = (p + q) / 2
    bits = (p * np.log2(p / m) + q * np.log2(q / m)).sum(axis=1) / 2
    clipped: NDArray[np.float64] = np.clip(bits, 0, 1)
    return clipped


SCORES.register(r"jensen-shannon", example="jensen-shannon")(JensenShannon)
