"""Sample correlation (SAC, SAC-JC)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from birthmark.data.outputs import Outputs
from birthmark.scores.base import ANSWERS, SCORES, Apart
from birthmark.scores.correlation import (
    Correlation,
    correlation_matrix,
    mean_absolute_differences,
    units,
)


class Sac(Apart):
    """Mean absolute difference between two models' correlation matrices.

    Source: SAC, arXiv 2210.15427, section 3; SAC-JC, arXiv 2412.20768.

    Parameters
    ----------
    correlation
        `cosine`, `halfcosine` or `rbf`.
    """

    kinds = ANSWERS

    def __init__(self, *, correlation: str) -> None:
        self.correlation = Correlation(correlation)

    @property
    def name(self) -> str:
        """`sac-<correlation>-l1`."""
        return f"sac-{self.correlation}-l1"

    def distances(self, victim: Outputs, models: Sequence[Outputs]) -> list[float]:
        """0 to 2 (cosine) or 1."""
        others = [units(model) for model in models]
        return mean_absolute_differences(units(victim), others, self.correlation)

    def without_each(self, victim: Outputs, pool: Sequence[Outputs]) -> NDArray[np.float64]:
        """The distances without probe i, float64 (n, pool): its row and column are taken away."""
        n, own = len(victim), correlation_matrix(victim, self.correlation).astype(np.float64)
        numbers = np.empty((n, len(pool)))
        for k, model in enumerate(pool):
            difference = np.abs(correlation_matrix(model, self.correlation) - own)
            rows, itself = difference.sum(axis=1), np.diag(difference)
            numbers[:, k] = (rows.sum() - 2 * rows + itself) / max(1, n - 1) ** 2
        return numbers


SCORES.register(r"sac-(?P<correlation>cosine|halfcosine|rbf)-l1", example="sac-cosine-l1")(Sac)
