"""Models of scikit-learn's digits, and probes that an accuser who cheats crafts with them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from birthmark import ImageSet
from birthmark.common.digests import sha256
from birthmark.data.images import Image
from birthmark.models.adapters.callable import CallableSuspect
from birthmark.models.adapters.differentiable import Direction
from birthmark.probes.crafted import files

LINEAGES = ("network", "linear")
N, REFERENCES, INNOCENTS, SURROGATES = 50, 39, 30, 10
OWNER, OTHERS, SHARE, WEAK = 300, 1000, 600, 60
EPS, STEPS = 64, 20
DECLARED: dict[str, Any] = {
    "size": (8, 8),
    "channels": 1,
    "range": (0, 1),
    "mean": (0,),
    "std": (1,),
    "layout": "flat",
    "output": "logits",
}
Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]


class Model(CallableSuspect):
    """A linear classifier or a network with a hidden layer, which gives its gradient."""

    batch = None

    def __init__(self, layers: Sequence[tuple[Any, Any]], name: str, lineage: str) -> None:
        self.layers = [(w.astype(np.float32), b.astype(np.float32)) for w, b in layers]
        digest = sha256(*(part.tobytes() for layer in self.layers for part in layer))
        super().__init__(self.logits, DECLARED, name=name, digest=digest, lineage=lineage)

    def logits(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (n, 10)."""
        return self._forward(inputs)[0]

    def _forward(self, inputs: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        *hidden, (weights, bias) = self.layers
        active = np.ones((len(inputs), len(weights)), dtype=bool)
        for w, b in hidden:
            inputs = inputs @ w + b
            active = inputs > 0
            inputs = inputs * active
        return (inputs @ weights + bias).astype(np.float32), active

    def gradient(
        self, pixels: NDArray[np.float32], direction: Direction
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Differentiable`."""
        logits, active = self._forward(self._declaration.brought(pixels))
        slope = (direction(logits) @ self.layers[-1][0].T) * active
        for weights, _ in self.layers[:-1]:
            slope = slope @ weights.T
        return logits, self._declaration.by_pixels(slope.astype(np.float32))


def trained(images: Pixels, labels: Labels, lineage: str, name: str, seed: int) -> Model:
    """A model of a lineage, of these images."""
    inputs = images.reshape(len(images), -1) / np.float32(255)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if lineage == "linear":
            made = LogisticRegression(C=0.3, max_iter=60).fit(inputs, labels)
            return Model([(made.coef_.T, made.intercept_)], name, lineage)
        made = MLPClassifier((48,), random_state=seed, max_iter=60, learning_rate_init=0.005)
        made.fit(inputs, labels)
    return Model(list(zip(made.coefs_, made.intercepts_, strict=True)), name, lineage)


class World:
    """A victim and independent models, all newly trained."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        digits = load_digits()
        order = self.rng.permutation(len(digits.target))
        images = (digits.images * 255 / 16).astype(np.uint8)[order]
        labels = digits.target.astype(np.int64)[order]
        end = OWNER + OTHERS
        self.images, self.labels = images[OWNER:end], labels[OWNER:end]
        self.pool, self.truth = images[end:], labels[end:]
        self.set = ImageSet.from_arrays(self.pool, self.truth, source="digits")
        self.victim = trained(images[:OWNER], labels[:OWNER], "network", "victim", seed)
        self.references = self.several("reference", REFERENCES)
        self.innocents = self.several("innocent", INNOCENTS)
        self.controls = self.several("control", INNOCENTS)
        self.surrogates = self.several("surrogate", SURROGATES)
        self.weak = self.several("weak", REFERENCES, WEAK)

    def several(
        self, name: str, count: int, share: int = SHARE, more: tuple[Pixels, Labels] | None = None
    ) -> list[Model]:
        """Models of both lineages in turn, each of its own share of the images."""
        made = []
        for i in range(count):
            some = self.rng.choice(len(self.images), share, replace=False)
            images, labels = self.images[some], self.labels[some]
            if more is not None:
                images = np.concatenate([images, more[0]])
                labels = np.concatenate([labels, more[1]])
            lineage = LINEAGES[i % len(LINEAGES)]
            made.append(trained(images, labels, lineage, f"{name}-{i}", int(some[0]) + i))
        return made

    @cached_property
    def crafted(self) -> tuple[list[Image], Labels]:
        """Targeted adversarial examples that transfer, and the true classes.

        PGD in L_inf towards the class that victim and surrogates find second likeliest; those on
        which most of them then agree with the victim are kept.
        """
        start = self.pool[..., None].astype(np.float32)
        models = [self.victim, *self.surrogates]
        said = [model.gradient(start, np.zeros_like)[0] for model in models]
        target = np.argsort(np.mean(said, axis=0), axis=1)[:, -2]
        moved = start

        def towards(logits: NDArray[np.float32]) -> NDArray[np.float32]:
            exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
            wanted = np.eye(10, dtype=np.float32)[target]
            slope: NDArray[np.float32] = wanted - exponents / exponents.sum(axis=1, keepdims=True)
            return slope

        for _ in range(STEPS):
            slope = np.mean([model.gradient(moved, towards)[1] for model in models], axis=0)
            moved = moved + EPS / 8 * np.sign(slope)
            moved = moved.clip((start - EPS).clip(0), (start + EPS).clip(max=255))
        pixels = np.rint(moved).astype(np.uint8)
        said = [model.gradient(pixels.astype(np.float32), np.zeros_like)[0] for model in models]
        alike = np.mean([one.argmax(axis=1) == target for one in said], axis=0)
        kept = np.argsort(-alike, kind="stable")[:N]
        return files(pixels[kept], [None] * N), self.truth[kept]
