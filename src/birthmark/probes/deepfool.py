"""Images brought just over the victim's nearest decision boundary (DeepFool)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from birthmark.models.adapters.differentiable import Differentiable
from birthmark.probes.base import PROBES
from birthmark.probes.crafted import (
    Batch,
    Crafted,
    Floats,
    Made,
    between,
    logits,
    rounded,
    squares,
)

CANDIDATES = 10
STEPS = 50
LITTLE = 1e-4
OVERSHOOTS = (1.02, 1.05, 1.1, 1.2, 1.5, 2.0)


class DeepFool(Crafted):
    """Images with the smallest change in L2 found that gives them another label.

    Source: Moosavi-Dezfooli et al., "DeepFool: a simple and accurate method to fool deep neural
    networks", CVPR 2016, section 3 (the multiclass algorithm, L2), among the ten most likely
    classes, with its overshoot of 2 %. Pixels stay within 0 to 255. Where a change is so small that
    rounding to grey levels undoes it, the overshoot becomes 5, 10, 20, 50 or 100 %.
    """

    name = "deepfool"

    def craft(self, model: Differentiable, batch: Batch, first: Batch) -> Made:  # noqa: ARG002
        """Step to the nearest of the linearised boundaries until the label is another."""
        start = batch.pixels
        before = logits(model, start.astype(np.uint8))
        ranked = (-before).argsort(axis=1, kind="stable")[:, :CANDIDATES]
        change = np.zeros(start.shape)
        left = np.arange(len(start))
        for _ in range(STEPS):
            moved = _moved(start[left], change[left], OVERSHOOTS[0])
            step, same = _to_boundary(model, moved.astype(np.float32), ranked[left])
            left = left[same]
            if not len(left):
                break
            change[left] += step[same]
        return self._rounded(model, start, change, ranked[:, 0])

    def _rounded(
        self,
        model: Differentiable,
        start: Floats,
        change: NDArray[np.float64],
        label: NDArray[np.int64],
    ) -> Made:
        pixels, good = rounded(start), np.zeros(len(start), dtype=bool)
        for overshoot in OVERSHOOTS:
            left = np.flatnonzero(~good)
            if not len(left):
                break
            pixels[left] = rounded(_moved(start[left], change[left], overshoot))
            good[left] = logits(model, pixels[left]).argmax(axis=1) != label[left]
        return Made(pixels[:, None], good)


def _moved(start: Floats, change: NDArray[np.float64], overshoot: float) -> NDArray[np.float64]:
    return (start + overshoot * change).clip(0, 255)


def _to_boundary(
    model: Differentiable, pixels: Floats, ranked: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Each image's smallest step to a linearised boundary, and whether its label is the old one."""
    best = np.full(len(pixels), np.inf)
    steps = np.zeros(pixels.shape)
    same = np.ones(len(pixels), dtype=bool)
    label, rows = ranked[:, 0], np.arange(len(pixels))
    for other in ranked.T[1:]:
        said, gradient = _between(model, pixels, other, label)
        same = said.argmax(axis=1) == label
        gap = np.abs(said[rows, other] - said[rows, label]).astype(np.float64)
        square = squares(gradient)
        distance = gap / np.sqrt(square[:, 0, 0, 0])
        nearer = distance < best
        best[nearer] = distance[nearer]
        steps[nearer] = ((gap + LITTLE)[:, None, None, None] / square * gradient)[nearer]
    return steps, same


def _between(
    model: Differentiable, pixels: Floats, other: NDArray[np.int64], label: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Logits, and the gradient of how far the other class's is above the label's."""
    return model.gradient(pixels, lambda said: between(other, label, said.shape[1]))


PROBES.register(r"deepfool", example="deepfool")(DeepFool)
