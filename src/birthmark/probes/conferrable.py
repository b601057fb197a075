"""Adversarial examples that copies of the victim share and independent models do not (CAE)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet
from birthmark.models.adapters import Suspect
from birthmark.models.adapters.differentiable import Differentiable, differentiable
from birthmark.probes.base import PROBES, Draw, pictures
from birthmark.probes.companions import Companions
from birthmark.probes.corruption import require_within
from birthmark.probes.crafted import (
    Batch,
    Floats,
    batches,
    derivable,
    files,
    logits,
    rounded,
    seen_as,
)
from birthmark.probes.judge import agreement

STEPS = 20
CANDIDATES = 2
"""How many images are tried for each probe."""


class Conferrable:
    """Images moved to another class for the victim and its copies, not for independent models.

    Source: Lukas et al., "Deep Neural Network Fingerprinting by Conferrable Adversarial Examples",
    ICLR 2021. The conferrability of x for class t is the share of surrogates that answer t times
    the share of outsiders that do not. PGD in L_inf, from the image itself, makes the sum of
    mean log p_t over victim and surrogates and mean log (1 - p_t) over outsiders large; t is the
    class, other than the victim's own, where that sum is largest to begin with. Twice as many
    images are tried as probes are wanted, in the order of the draw; of those that the victim
    answers with t, on the PNG bytes that the probes then are, the most conferrable are kept.

    Chosen here: t is fixed from the start, there are 20 signed steps, and the best are kept instead
    of all above a threshold; the paper makes the answers of one ensemble of both kinds of model
    conferrable, whatever the class.

    Probes are labelled with t, which independent models are not expected to answer.

    Parameters
    ----------
    eps
        Largest change of a pixel in grey levels, 1 to 64.

    Raises
    ------
    BirthmarkError
        If eps is out of range.
    """

    asks_victim = True
    asks_companions = True
    true_labels = False

    def __init__(self, *, eps: int | str) -> None:
        self.eps = int(eps)
        require_within(f"conferrable{eps}", "eps", self.eps, 1, 64, "conferrable8")

    @property
    def name(self) -> str:
        """`conferrable` and eps."""
        return f"conferrable{self.eps}"

    def select(
        self,
        images: ImageSet,
        victim: Suspect | None,
        n: int,
        draw: Draw,
        resize: tuple[int, int] | None = None,
        companions: Companions = Companions(),
    ) -> list[Image]:
        """Craft from drawn images, and keep the n most conferrable."""
        model = derivable(self.name, victim)
        companions.require_both(self.name, "or use boundary10, which asks only the victim")
        declared = seen_as(self.name, model, resize)
        models = _Models(
            model,
            [differentiable(one) for one in companions.surrogates],
            [differentiable(one) for one in companions.outsiders],
        )
        models.require_same_input()
        different = len({entry.digest for entry in images.entries})
        made: list[tuple[float, NDArray[np.uint8], int]] = []
        tried = 0
        for batch in batches(pictures(images, different, draw, declared.size), declared):
            if tried == 0:
                models.require_same_classes(rounded(batch.pixels))
            made += self._crafted(models, batch)
            tried += len(batch.labels)
            if tried >= CANDIDATES * n and len(made) >= n:
                break
        if len(made) < n:
            raise BirthmarkError(
                images.source,
                f"{len(made)} {self.name} probes could be made from its {tried} different images,"
                f" but {n} are needed",
                f"pass -n {len(made)} or add images" if len(made) > 1 else "add images",
            )
        made.sort(key=lambda one: -one[0])
        _, pixels, labels = zip(*made[:n], strict=True)
        return files(np.stack(pixels), labels)

    def _crafted(self, models: _Models, batch: Batch) -> list[tuple[float, NDArray[np.uint8], int]]:
        """Conferrability above 0, pixels and target of those that the victim answers as wanted."""
        start = rounded(batch.pixels)
        target = models.targets(start)
        moved = batch.pixels
        low, high = (batch.pixels - self.eps).clip(0, 255), (batch.pixels + self.eps).clip(0, 255)
        for _ in range(STEPS):
            step = max(1, self.eps // 4) * np.sign(models.uphill(moved, target))
            moved = (moved + step).clip(low, high)
        pixels = rounded(moved)
        worth = models.conferrability(pixels, target)
        return [(float(worth[i]), pixels[i], int(target[i])) for i in np.flatnonzero(worth > 0)]


class _Models(NamedTuple):
    """The victim, its copies, and the models that are to answer otherwise."""

    victim: Differentiable
    copies: Sequence[Differentiable]
    others: Sequence[Differentiable]

    def require_same_input(self) -> None:
        """Refuse companions of another size or number of channels than the victim's."""
        own = self.victim.description.declaration
        for model in (*self.copies, *self.others):
            declared = model.description.declaration
            if own is None or declared is None:
                continue
            if (declared.size, declared.channels) != (own.size, own.channels):
                raise BirthmarkError(
                    model.description.name,
                    f"takes {_form(declared.size, declared.channels)}, but the victim"
                    f" {_form(own.size, own.channels)}",
                    "pass companions that take images of the victim's form",
                )

    def require_same_classes(self, pixels: NDArray[np.uint8]) -> None:
        """Refuse companions whose answers do not go with the victim's."""
        said = logits(self.victim, pixels)
        for model in (*self.copies, *self.others):
            theirs = logits(model, pixels)
            name = model.description.name
            fix = "number its classes like the victim's, and check its declaration"
            if theirs.shape != said.shape:
                numbers = (
                    f"answers with {theirs.shape[1]} numbers, but the victim with {said.shape[1]}"
                )
                raise BirthmarkError(name, numbers, fix)
            alike, chance = agreement(said.argmax(1).tolist(), theirs.argmax(1).tolist())
            if chance:
                raise BirthmarkError(
                    name,
                    f"agrees with the victim on {alike} of {len(said)} images, no better than"
                    " chance",
                    fix,
                )

    def targets(self, pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
        """For each image, the class that copies are nearest to and others farthest from."""
        said = logits(self.victim, pixels)
        near = [np.log(_shares(said)), *(np.log(_shares(logits(m, pixels))) for m in self.copies)]
        far = [np.log1p(-_shares(logits(model, pixels))) for model in self.others]
        hope = np.mean(near, axis=0) + np.mean(far, axis=0)
        hope[np.arange(len(said)), said.argmax(axis=1)] = -np.inf
        best: NDArray[np.int64] = hope.argmax(axis=1).astype(np.int64)
        return best

    def uphill(self, pixels: Floats, target: NDArray[np.int64]) -> Floats:
        """Where to move the pixels, float32 like them."""
        near = [self.victim, *self.copies]
        total = np.zeros_like(pixels)
        for model in near:
            total += model.gradient(pixels, lambda said: _towards(said, target))[1] / len(near)
        for model in self.others:
            total += model.gradient(pixels, lambda said: _off(said, target))[1] / len(self.others)
        return total

    def conferrability(
        self, pixels: NDArray[np.uint8], target: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Of each image, float64 (n,), 0 to 1; 0 where the victim does not answer the target."""

        def hits(model: Suspect) -> NDArray[np.bool_]:
            hit: NDArray[np.bool_] = logits(model, pixels).argmax(axis=1) == target
            return hit

        reached = np.mean([hits(model) for model in self.copies], axis=0)
        spread = np.mean([hits(model) for model in self.others], axis=0)
        worth: NDArray[np.float64] = hits(self.victim) * reached * (1 - spread)
        return worth


def _shares(said: Floats) -> NDArray[np.float64]:
    """Class probabilities of logits, float64 (n, classes), never 0 or 1."""
    exponents = np.exp(said.astype(np.float64) - said.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = exponents / exponents.sum(axis=1, keepdims=True)
    return shares.clip(1e-12, 1 - 1e-12)


def _towards(said: Floats, target: NDArray[np.int64]) -> Floats:
    """Gradient of log p_t by the logits."""
    weights = -_shares(said)
    weights[np.arange(len(said)), target] += 1
    return weights.astype(np.float32)


def _off(said: Floats, target: NDArray[np.int64]) -> Floats:
    """Gradient of log (1 - p_t) by the logits."""
    own = _shares(said)[np.arange(len(said)), target]
    weights: Floats = -_towards(said, target) * (own / (1 - own))[:, None].astype(np.float32)
    return weights


def _form(size: tuple[int, int], channels: int) -> str:
    return f"{size[0]}x{size[1]}x{channels}"


PROBES.register(r"conferrable(?P<eps>\d{1,2})", example="conferrable8")(Conferrable)
