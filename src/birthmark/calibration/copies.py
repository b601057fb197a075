"""Which references count as one model, and which lineages do."""

from __future__ import annotations

from collections.abc import Sequence

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
ONE = 0.5
"""Of the ties within lineages, so much between two makes them one."""
EXCESS = 0.1
"""By so much ties within lineages must exceed ties elsewhere, for lineages to be seen at all."""


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


def one_lineage(correlations: Matrix, lineages: Sequence[str | None]) -> list[tuple[str, str]]:
    """Pairs of declared lineages whose models are as alike as those of one.

    Only lineages of two models or more are judged, beside a third one, and only where models of one
    lineage are seen to be more alike than others. A note, no test: on our populations, from logits
    to 100 probes and more, 44 to 99% of such pairs are noticed and at most 4% of others.
    """
    tied, names = ties(correlations), np.array([one or "" for one in lineages])
    several = [name for name in sorted(set(names)) if name and (names == name).sum() > 1]
    found = []
    for k, one in enumerate(several):
        for other in several[k + 1 :]:
            inside = np.flatnonzero((names == one) | (names == other))
            rest = np.setdiff1d(np.arange(len(names)), inside)
            if not len(rest):
                continue
            same = names[inside][:, None] == names[inside]
            among = tied[np.ix_(inside, inside)]
            within = among[same & ~np.eye(len(inside), dtype=bool)].mean()
            elsewhere = tied[np.ix_(inside, rest)].mean()
            excess = within - elsewhere
            if excess >= EXCESS and among[~same].mean() - elsewhere > ONE * excess:
                found.append((str(one), str(other)))
    return found
