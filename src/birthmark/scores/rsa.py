"""Correlation of correlations, as in representational-similarity analysis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from birthmark.data.outputs import Outputs
from birthmark.scores.base import ANSWERS, SCORES, Apart
from birthmark.scores.correlation import triangle, unit, units

Vector = NDArray[np.float64]


class Rsa(Apart):
    """1 - the correlation between the upper triangles of two models' cosine matrices.

    Unlike the mean absolute difference it does not move when all correlations of a model are
    scaled or shifted, as adversarial training does.

    Source: Kriegeskorte, Mur and Bandettini, Frontiers in Systems Neuroscience 2008; whitened:
    Diedrichsen et al., arXiv 2007.02789, where the whitened cosine of two matrices of squared
    distances is shown to be the linear CKA of Kornblith et al., arXiv 1905.00414.

    Parameters
    ----------
    compare
        `pearson`, `spearman` or `whitened`.
    """

    kinds = ANSWERS

    def __init__(self, *, compare: str) -> None:
        self.compare = compare

    @property
    def name(self) -> str:
        """`sac-cosine-<compare>`."""
        return f"sac-cosine-{self.compare}"

    def distances(self, victim: Outputs, models: Sequence[Outputs]) -> list[float]:
        """0 to 2; 1 for a model whose matrix is flat."""
        mine = self._vector(victim)
        return [1 - float(mine @ self._vector(model)) for model in models]

    def _vector(self, outputs: Outputs) -> Vector:
        rows = units(outputs).rows
        if self.compare == "whitened":
            centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
            return unit((centred @ centred.T).ravel())
        pairs = triangle(rows)
        ranked = (
            scipy.stats.rankdata(pairs) if self.compare == "spearman" else pairs.astype(np.float64)
        )
        return unit(ranked - ranked.mean())


SCORES.register(r"sac-cosine-(?P<compare>pearson|spearman|whitened)", example="sac-cosine-pearson")(
    Rsa
)
