"""The demo's models: a victim, independent ones of six lineages, and three ways to steal."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.demo.digits import Part

SHARE = 0.8


def _mlp(layers: tuple[int, ...], seed: int, activation: str = "relu") -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(layers, activation=activation, random_state=seed, max_iter=60)


def _linear(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.1, max_iter=60, random_state=seed)


def _neighbours(seed: int) -> Any:  # noqa: ARG001
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(5, weights="distance")


def _trees(seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(40, random_state=seed)


LINEAGES: dict[str, Callable[[int], Any]] = {
    "one-layer": lambda seed: _mlp((128,), seed),
    "two-layer": lambda seed: _mlp((64, 64), seed),
    "tanh": lambda seed: _mlp((96,), seed, "tanh"),
    "linear": _linear,
    "neighbours": _neighbours,
    "trees": _trees,
}
NETWORKS = ("one-layer", "two-layer", "tanh")
MORE: dict[str, Callable[[int], Any]] = {
    "three-layer": lambda seed: _mlp((64, 48, 32), seed),
    "logistic": lambda seed: _mlp((96,), seed, "logistic"),
    "narrow": lambda seed: _mlp((32,), seed),
    "wide": lambda seed: _mlp((256,), seed),
}
"""Lineages that only the practice set has."""


def _fitted(model: Any, inputs: NDArray[Any], targets: NDArray[Any]) -> Any:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        with steady():
            return model.fit(inputs, targets)


@contextmanager
def steady() -> Iterator[None]:
    """Train by one thread, and let Ctrl-C end it.

    scikit-learn would go on with half a network; and more threads are slower for such small ones,
    and give others on other machines.
    """
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.filterwarnings("error", message="Training interrupted by user")
        try:
            yield
        except UserWarning as warning:
            raise KeyboardInterrupt from warning


def victim(owner: Part, seed: int) -> Any:
    """The owner's network."""
    return _fitted(LINEAGES["one-layer"](seed), owner.inputs, owner.labels)


def independent(lineage: str, thief: Part, seed: int) -> Any:
    """A model of a lineage on a random 80% of the thief's images and their true classes."""
    return _on_a_share(lineage, thief, thief.labels, seed)


def stolen_by_labels(lineage: str, thief: Part, victim: Any, seed: int) -> Any:
    """The same, but on the victim's classes: what the thief got for asking."""
    return _on_a_share(lineage, thief, victim.predict(thief.inputs), seed)


def _on_a_share(lineage: str, thief: Part, labels: NDArray[np.int64], seed: int) -> Any:
    count = len(labels)
    share = np.random.default_rng(seed).choice(count, int(SHARE * count), replace=False)
    return _fitted((LINEAGES | MORE)[lineage](seed), thief.inputs[share], labels[share])


class Distilled:
    """A network that learnt the logarithm of the victim's probabilities."""

    def __init__(self, layers: tuple[int, ...], thief: Part, victim: Any, seed: int) -> None:
        from sklearn.neural_network import MLPRegressor

        network = MLPRegressor(hidden_layer_sizes=layers, random_state=seed, max_iter=150)
        logarithms = np.log(victim.predict_proba(thief.inputs) + 1e-4)
        self._network = _fitted(network, thief.inputs, logarithms)

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (n, 10)."""
        exponents = np.exp(self._network.predict(inputs))
        probabilities: NDArray[np.float64] = exponents / exponents.sum(axis=1, keepdims=True)
        return probabilities


def fine_tuned(thief: Part, victim: Any, epochs: int) -> Any:
    """The victim itself, trained on with the thief's images and their true classes."""
    copied = copy.deepcopy(victim)
    copied.set_params(learning_rate_init=1e-3)
    with steady():
        for _ in range(epochs):
            copied.partial_fit(thief.inputs, thief.labels)
    return copied
