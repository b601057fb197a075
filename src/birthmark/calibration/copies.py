"""Which references count as one model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from birthmark.calibration.population import RIDGE

Matrix = NDArray[np.float64]

TIE = 0.85
"""From here on two models count as one: independent ones of one lineage reach .82."""
EQUAL = 0.999
"""The same of two alone: nothing takes away what the task gives them in common, .97 and more."""
TELLING = 50
"""With fewer probes nothing can be said."""


def ties(correlations: Matrix, ridge: float = RIDGE) -> Matrix:
    """How much every two models share that the others of the pool do not, (models, models).

    The partial correlation given the others, without what the ridge takes from it, so that equal
    models have 1 whatever the pool; 0 on the diagonal.
    """
    precision = np.linalg.inv(correlations + ridge * np.eye(len(correlations)))
    diagonal = np.diag(precision)
    partial = -precision / np.sqrt(np.outer(diagonal, diagonal))
    np.fill_diagonal(partial, 0)
    alone = (1 / diagonal)[:, None] / (1 - partial**2)
    told = np.maximum(alone - ridge, 1e-3)
    tied: Matrix = np.clip(partial * np.sqrt(alone * alone.T) / np.sqrt(told * told.T), -1, 1)
    return tied


def groups(correlations: Matrix) -> list[list[int]]:
    """Places of models that count as one, each group sorted; most hold a single model.

    Equal models hide each other from a third, so the most alike are merged one pair after the
    other, and the rest is looked at anew.
    """
    found = [[i] for i in range(len(correlations))]
    while len(found) > 1:
        first = [group[0] for group in found]
        tied = ties(correlations[np.ix_(first, first)])
        i, j = sorted(int(k) for k in np.unravel_index(int(tied.argmax()), tied.shape))
        if tied[i, j] < (TIE if len(found) > 2 else EQUAL):
            break
        found[i] = sorted(found[i] + found.pop(j))
    return found
