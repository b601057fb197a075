"""Pairs of an image and an adversarial example made of it (ModelDiff, DeepJudge)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from birthmark.models.adapters.differentiable import Differentiable
from birthmark.probes.base import PROBES
from birthmark.probes.corruption import require_within
from birthmark.probes.crafted import Batch, Crafted, Floats, Made, logits, rounded

STEPS = 10


class AdversarialPairs(Crafted):
    """Consecutive probes x and x', where x' is within eps of x and the victim calls it otherwise.

    Source: ModelDiff (Li et al., ISSTA 2021) compares how models' answers differ within such pairs;
    DeepJudge (Chen et al., IEEE S&P 2022) how often they stay right on x'. x' is a PGD example
    (Madry et al., ICLR 2018) in L_inf: 10 steps of eps / 4 along the sign of the gradient of the
    cross-entropy with the victim's own label, without a random start. The victim is right on x
    where x has a label. Steps are whole grey levels, so rounding changes nothing.

    Parameters
    ----------
    eps
        Largest change of a pixel in grey levels, 1 to 64.

    Raises
    ------
    BirthmarkError
        If eps is out of range.
    """

    block: ClassVar[int] = 2

    def __init__(self, *, eps: int | str) -> None:
        self.eps = int(eps)
        require_within(f"adversarial-pairs{eps}", "eps", self.eps, 1, 64, "adversarial-pairs8")

    @property
    def name(self) -> str:
        """`adversarial-pairs` and eps."""
        return f"adversarial-pairs{self.eps}"

    def craft(self, model: Differentiable, batch: Batch, first: Batch) -> Made:  # noqa: ARG002
        """Attack each image; those that keep their label, or are wrong already, are passed over."""
        start = rounded(batch.pixels)
        label = logits(model, start).argmax(axis=1)
        moved = batch.pixels
        low, high = (batch.pixels - self.eps).clip(0, 255), (batch.pixels + self.eps).clip(0, 255)
        for _ in range(STEPS):
            _, gradient = model.gradient(moved, lambda said: away_from(label, said))
            moved = (moved + max(1, self.eps // 4) * np.sign(gradient)).clip(low, high)
        attacked = rounded(moved)
        right = [
            true is None or true == said for true, said in zip(batch.labels, label, strict=True)
        ]
        fooled = logits(model, attacked).argmax(axis=1) != label
        return Made(np.stack([start, attacked], axis=1), fooled & np.array(right))


def away_from(label: NDArray[np.int64], said: Floats) -> Floats:
    """Weights by which the cross-entropy of logits with a label rises, the largest of each 1.

    They are scaled since they vanish where a model is sure, and only signs of gradients matter.
    """
    exponents = np.exp(said.astype(np.float64) - said.max(axis=1, keepdims=True))
    weights = exponents / exponents.sum(axis=1, keepdims=True)
    rows = np.arange(len(said))
    weights[rows, label] = 0
    weights[rows, label] = -weights.sum(axis=1)
    largest = np.abs(weights).max(axis=1, keepdims=True)
    scaled: Floats = (weights / np.maximum(largest, 1e-300)).astype(np.float32)
    return scaled


PROBES.register(r"adversarial-pairs(?P<eps>\d{1,2})", example="adversarial-pairs8")(
    AdversarialPairs
)
