"""What a table says of a method: AUC, Welch's p, F1, detection."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
import scipy


def auc(stolen: Sequence[float], innocent: Sequence[float]) -> float:
    """Chance that a thief is closer than an innocent model, ties by half; 0 to 1."""
    own, others = np.asarray(stolen)[:, None], np.asarray(innocent)[None, :]
    return float((own < others).mean() + (own == others).mean() / 2)


def welch(stolen: Sequence[float], innocent: Sequence[float]) -> float:
    """One-sided p of Welch's test that thieves are closer; 0 to 1.

    Groups without any spread give 0 or 1, as their means tell.
    """
    if len(set(stolen)) == 1 and len(set(innocent)) == 1:
        return float(stolen[0] >= innocent[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # groups that hardly vary
        found = scipy.stats.ttest_ind(stolen, innocent, equal_var=False, alternative="less")
    return float(found.pvalue)


def f1(true_positives: float, false_positives: float, positives: int) -> float:
    """F1 of so many (averages over draws are allowed) among so many thieves; 0 to 1."""
    called = true_positives + false_positives
    return 2 * true_positives / (called + positives) if called else 0.0


def allowed(alpha: float, references: int) -> int:
    """How many references may be as close as a suspect that is called derived; -1 for none ever.

    p = (1 + that) / (references + 1) <= alpha.
    """
    return math.floor(alpha * (references + 1) + 1e-9) - 1
