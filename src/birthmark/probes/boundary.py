"""Images close to the victim's decision boundary (IPGuard)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from birthmark.models.adapters.differentiable import Differentiable
from birthmark.probes.base import PROBES
from birthmark.probes.corruption import require_within
from birthmark.probes.crafted import (
    Batch,
    Crafted,
    Floats,
    Made,
    between,
    logits,
    rounded,
    second,
    squares,
)

STEPS = 60


class Boundary(Crafted):
    """Images between two classes: the victim's first label is the target's, the second its old one.

    Source: IPGuard (Cao et al., AsiaCCS 2021, arXiv 1910.12903): from an image of label i towards a
    class j, by gradient steps on ReLU(Z_i - Z_j + k) + ReLU(max over other t of Z_t - Z_i). Chosen
    here: j is drawn by the image's ticket among the other classes; steps are as long as the
    linearised loss needs (as in DeepFool) instead of Adam's; where Z_j - Z_i gets above 2 k, they
    lead back. So the probes' margin is k to 2 k. The paper gives k in units of logits, whose
    scale is each network's own; here it is a share of the median margin between the victim's two
    largest logits on the first 64 drawn images.

    Parameters
    ----------
    percent
        k in percent of that median, 1 to 99.

    Raises
    ------
    BirthmarkError
        If it is out of range.
    """

    def __init__(self, *, percent: int | str) -> None:
        self.percent = int(percent)
        require_within(f"boundary{percent}", "percentage", self.percent, 1, 99, "boundary10")

    @property
    def name(self) -> str:
        """`boundary` and k."""
        return f"boundary{self.percent}"

    def craft(self, model: Differentiable, batch: Batch, first: Batch) -> Made:
        """Step until the margin is k to 2 k, on pixels as they are after rounding."""
        k = self.percent / 100 * float(np.median(margins(logits(model, rounded(first.pixels)))))
        before = logits(model, rounded(batch.pixels))
        source = before.argmax(axis=1)
        target = _targets(batch.tickets, source, before.shape[1])
        moved = batch.pixels.astype(np.float64)
        left = np.arange(len(moved))
        for _ in range(STEPS):
            pull = _Pull(source[left], target[left], k)
            _, gradient = model.gradient(rounded(moved[left]).astype(np.float32), pull)
            far = pull.loss > 0
            left = left[far]
            if not len(left):
                break
            step = pull.loss[far, None, None, None] / squares(gradient[far]) * gradient[far]
            moved[left] = (moved[left] - step).clip(0, 255)
        pixels = rounded(moved)
        said = logits(model, pixels)
        good = (said.argmax(axis=1) == target) & (second(said, target) == source)
        return Made(pixels[:, None], good & (margins(said) <= 2 * k * (1 + 1e-3)))


class _Pull:
    """The loss of logits, kept when it is asked for the direction that makes it rise."""

    def __init__(self, source: NDArray[np.int64], target: NDArray[np.int64], k: float) -> None:
        self.source, self.target, self.k = source, target, k
        self.loss = np.zeros(len(source))

    def __call__(self, said: Floats) -> Floats:
        rows, classes = np.arange(len(said)), said.shape[1]
        margin = said[rows, self.target] - said[rows, self.source]
        lacking = 1.5 * self.k - margin
        lacking[(margin >= self.k) & (margin <= 2 * self.k)] = 0
        third = _third(said, self.source, self.target)
        above = (said[rows, third] - said[rows, self.source]).clip(0, None)
        self.loss = np.abs(lacking) + above
        own = np.sign(lacking)[:, None] * between(self.source, self.target, classes)
        other = (above > 0)[:, None] * between(third, self.source, classes)
        weights: Floats = (own + other).astype(np.float32)
        return weights


def _third(said: Floats, source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.int64]:
    """The largest logit of a class that is neither; the source's where there are but two."""
    others = said.copy()
    others[np.arange(len(said)), target] = -np.inf
    return others.argmax(axis=1) if said.shape[1] == 2 else second(others, source)


def _targets(tickets: Sequence[str], source: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    drawn = [int(ticket.removeprefix("sha256:"), 16) % (classes - 1) for ticket in tickets]
    target = np.array(drawn, dtype=np.int64)
    return target + (target >= source)


def margins(said: Floats) -> NDArray[np.float32]:
    """How far the largest logit is above the second, float32 (n,)."""
    ordered = np.sort(said, axis=1)
    difference: NDArray[np.float32] = ordered[:, -1] - ordered[:, -2]
    return difference


PROBES.register(r"boundary(?P<percent>\d{1,2})", example="boundary10")(Boundary)
