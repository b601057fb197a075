"""MOVE's own test: whether answers show features that only the owner's images had."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy
from numpy.typing import NDArray

from birthmark.data.outputs import Kind, Outputs

Answer = Callable[[NDArray[np.uint8]], Outputs]
Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Plain images and the same restyled, uint8 (n, channels, size, size) each."""


def move_p(victim: Answer, benign: Answer, suspect: Answer, learnt: Pair, asked: Pair) -> float:
    """How surely a suspect changes its answers with the style as the victim does; not exact.

    Source: Li, Zhu et al. 2022, "Defending against Model Stealing via Verifying Embedded External
    Features" and "MOVE", its black-box form: a meta-classifier learns to tell the victim from a
    benign model by how probabilities change from a plain image to the restyled one; a paired t-test
    asks whether it takes the suspect for the victim more surely than the benign model. Missing: the
    white-box form by signs of gradients, and the style transfer by a network. The p-value holds for
    a suspect that is one more draw of the benign model, which no other honest model is.

    Parameters
    ----------
    victim, benign, suspect
        The marked model, one trained alike without the mark, and the one in question.
    learnt
        Images for the meta-classifier.
    asked
        Others for the test.

    Returns
    -------
    float
        0 to 1.
    """
    from sklearn.linear_model import LogisticRegression

    ours, theirs = moved(victim, learnt), moved(benign, learnt)
    meta = LogisticRegression(C=10.0, max_iter=1000)
    meta.fit(np.concatenate([ours, theirs]), np.repeat([1, 0], [len(ours), len(theirs)]))
    taken, usual = (meta.predict_proba(moved(one, asked))[:, 1] for one in (suspect, benign))
    if np.ptp(taken - usual) == 0:
        return 1.0
    return float(scipy.stats.ttest_rel(taken, usual, alternative="greater").pvalue)


def moved(model: Answer, pair: Pair) -> NDArray[np.float64]:
    """How probabilities change with the style, float64 (n, classes); of labels one-hot."""
    said = [model(one) for one in pair]
    if any(one.kind is Kind.LABELS for one in said):
        width = max(one.classes for one in said)
        plain, styled = (np.eye(width)[one.predicted()] for one in said)
    else:
        plain, styled = (one.to(Kind.PROBABILITIES).values.astype(np.float64) for one in said)
    return np.asarray(styled - plain, np.float64)
