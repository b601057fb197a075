"""How good a model is, and how like the victim: on the test part, which nothing else uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from birthmark.data.outputs import Outputs
from birthmark.zoo.images.arrays import Arrays
from birthmark.zoo.models.model import ZooModel


def accuracy(model: ZooModel, arrays: Arrays) -> float:
    """Share of right labels, or AUC of same against different people over the test pairs."""
    said = _said(model, arrays)
    if arrays.pairs is None:
        return float((said.predicted() == arrays.labels[arrays.parts["test"]]).mean())
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(arrays.pairs[:, 2], _similarities(said, arrays)))


def fidelity(model: ZooModel, victim: ZooModel, arrays: Arrays) -> float:
    """Share of test images on which both say the same label.

    For verification, Pearson correlation of both's similarities over the test pairs.
    """
    mine, theirs = _said(model, arrays), _said(victim, arrays)
    if arrays.pairs is None:
        return float((mine.predicted() == theirs.predicted()).mean())
    both = np.corrcoef(_similarities(mine, arrays), _similarities(theirs, arrays))
    return float(both[0, 1])


def _said(model: ZooModel, arrays: Arrays) -> Outputs:
    return model.answer(arrays.pixels[arrays.parts["test"]])


def _similarities(said: Outputs, arrays: Arrays) -> NDArray[np.float64]:
    assert arrays.pairs is not None  # noqa: S101
    unit = said.values / np.maximum(np.linalg.norm(said.values, axis=1, keepdims=True), 1e-12)
    first, second = np.searchsorted(arrays.parts["test"], arrays.pairs[:, :2]).T
    similarities: NDArray[np.float64] = (unit[first] * unit[second]).sum(axis=1).astype(float)
    return similarities
