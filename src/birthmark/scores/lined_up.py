"""Class numbers of one model found among those of another."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from birthmark.data.outputs import unit_rows

PLAUSIBLE = 0.25


def lined_up(
    victim: NDArray[np.float64], model: NDArray[np.float64], known: float = PLAUSIBLE
) -> NDArray[np.float64]:
    """A model's columns in the order in which they fit the victim's best.

    Column k of both is how much a probe is of class k. The order stays as it is if it fits at
    least `known` times as well as the best one, as an innocent model's does; so few probes do not
    shuffle the classes of a model that names them as the victim does.

    Parameters
    ----------
    victim, model
        (n, classes), of the same shape.
    known
        0 to 1.

    Returns
    -------
    ndarray
        (n, classes).
    """
    fit = _units(victim).T @ _units(model)
    rows, columns = scipy.optimize.linear_sum_assignment(fit, maximize=True)
    if np.trace(fit) >= known * fit[rows, columns].sum():
        return model
    return model[:, columns]


def _units(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    return unit_rows((columns - columns.mean(axis=0)).T).T
