"""Pairs of an image and the same image under one universal perturbation."""

from __future__ import annotations

from itertools import islice
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet
from birthmark.models.adapters import Suspect
from birthmark.models.adapters.differentiable import Differentiable
from birthmark.probes.base import PROBES, Draw, pictures
from birthmark.probes.companions import Companions
from birthmark.probes.corruption import require_within
from birthmark.probes.crafted import (
    AT_ONCE,
    Batch,
    Floats,
    batches,
    between,
    derivable,
    files,
    logits,
    require_multiple,
    rounded,
    second,
    seen_as,
    squares,
    stacked,
)

FROM, AT_LEAST = 256, 32
PASSES = 10


class UapPairs:
    """Consecutive probes x and x + v, where v changes the victim's label of most images.

    Source: Peng et al., "Fingerprinting Deep Neural Networks Globally via Universal Adversarial
    Perturbations", CVPR 2022. v is built from the first 256 drawn images (all but those that pairs
    need, where there are fewer, but 32 at least), the pairs from the images drawn after them. The
    paper builds v by DeepFool steps (Moosavi-Dezfooli et al., CVPR 2017) and picks x by clustering;
    here v is built by signed gradient steps over batches (Shafahi et al., AAAI 2020), ten passes
    of which the best is kept, and x is as drawn. v has whole grey levels.

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
    asks_companions = False
    true_labels = True
    block: ClassVar[int] = 2

    def __init__(self, *, eps: int | str) -> None:
        self.eps = int(eps)
        require_within(f"uap-pairs{eps}", "eps", self.eps, 1, 64, "uap-pairs10")

    @property
    def name(self) -> str:
        """`uap-pairs` and eps."""
        return f"uap-pairs{self.eps}"

    def select(
        self,
        images: ImageSet,
        victim: Suspect | None,
        n: int,
        draw: Draw,
        resize: tuple[int, int] | None = None,
        companions: Companions = Companions(),  # noqa: ARG002
    ) -> list[Image]:
        """Build v, then add it to drawn images; probes have the size that the victim takes."""
        require_multiple(self.name, n, 2)
        model = derivable(self.name, victim)
        declared = seen_as(self.name, model, resize)
        different, pairs = len({entry.digest for entry in images.entries}), n // 2
        building = min(FROM, different - pairs)
        if building < AT_LEAST:
            raise BirthmarkError(
                images.source,
                f"holds {different} different images, but {pairs + AT_LEAST} are needed: {pairs}"
                f" for pairs and {AT_LEAST} for the perturbation",
                "add images, or ask for fewer probes",
            )
        drawn = pictures(images, building + pairs, draw, declared.size)
        change = self._universal(model, stacked(list(islice(drawn, building)), declared))
        made: list[Image] = []
        for batch in batches(drawn, declared):
            both = np.stack([rounded(batch.pixels), rounded(batch.pixels + change)], axis=1)
            labels = [label for label in batch.labels for _ in range(2)]
            made += files(both.reshape(-1, *both.shape[2:]), labels, len(made))
        return made

    def _universal(self, model: Differentiable, batch: Batch) -> Floats:
        """The change, float32 (height, width, channels), that gives most images another label."""
        label = logits(model, rounded(batch.pixels)).argmax(axis=1)
        change = best = np.zeros(batch.pixels.shape[1:], dtype=np.float32)
        most = -1.0
        for _ in range(PASSES):
            for start in range(0, len(label), AT_ONCE):
                some = slice(start, start + AT_ONCE)
                change = self._stepped(model, change, batch.pixels[some], label[some])
            whole = np.rint(change)
            said = logits(model, rounded(batch.pixels + whole)).argmax(axis=1)
            if (share := float((said != label).mean())) > most:
                best, most = whole, share
        return best

    def _stepped(
        self, model: Differentiable, change: Floats, pixels: Floats, label: NDArray[np.int64]
    ) -> Floats:
        """One step by which the largest of the other classes rises; each image weighs the same."""

        def out_of(said: Floats) -> Floats:
            return between(second(said, label), label, said.shape[1])

        _, gradient = model.gradient((pixels + np.rint(change)).clip(0, 255), out_of)
        total = (gradient / np.sqrt(squares(gradient))).sum(axis=0)
        stepped = (change + self.eps / 8 * np.sign(total)).clip(-self.eps, self.eps)
        bounded: Floats = stepped.astype(np.float32)
        return bounded


PROBES.register(r"uap-pairs(?P<eps>\d{1,2})", example="uap-pairs10")(UapPairs)
