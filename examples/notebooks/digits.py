"""Small models of handwritten digits for the notebooks: a victim, references, suspects."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from birthmark import Suspect, as_suspect

warnings.simplefilter("ignore", ConvergenceWarning)
_all = load_digits()
_order = np.random.default_rng(0).permutation(len(_all.images))
IMAGES = (_all.images[_order] * 15.9).astype(np.uint8)
LABELS = _all.target[_order]
OWNER, THIEF, REST = slice(0, 700), slice(700, 1400), slice(1400, None)
LAYERS = {"small": (48,), "wide": (128,), "deep": (64, 48), "narrow": (32, 32)}


def trained(lineage: str, part: slice, seed: int) -> MLPClassifier:
    """A network of a lineage, trained on a random 80% of a part of the images."""
    inputs, labels = IMAGES[part].reshape(-1, 64) / 255, LABELS[part]
    share = np.random.default_rng(seed).permutation(len(labels))[: int(0.8 * len(labels))]
    model = MLPClassifier(LAYERS[lineage], random_state=seed, max_iter=60)
    return model.fit(inputs[share], labels[share])


def fine_tuned(model: MLPClassifier) -> MLPClassifier:
    """The same model after further training on the thief's images."""
    stolen = copy.deepcopy(model)
    for _ in range(10):
        stolen.partial_fit(IMAGES[THIEF].reshape(-1, 64) / 255, LABELS[THIEF])
    return stolen


def reached(model: Any, name: str, lineage: str | None = None) -> Suspect:
    """A model with its preprocessing: 8x8 grey, 0 to 1, in one row."""
    return as_suspect(
        model,
        name=name,
        lineage=lineage,
        size=(8, 8),
        channels=1,
        range=(0, 1),
        mean=0,
        std=1,
        layout="flat",
        output="probabilities",
    )


def references() -> list[Suspect]:
    """Sixteen independent models, four of each lineage, that never saw the owner's images."""
    return [
        reached(trained(lineage, THIEF, seed), f"{lineage}-{seed}", lineage)
        for lineage in LAYERS
        for seed in range(1, 5)
    ]
