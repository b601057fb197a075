"""Images that the victim and its copies get wrong and independent models get right (SAC-w)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress, islice

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet
from birthmark.models.adapters import Suspect
from birthmark.probes.base import PROBES, Draw
from birthmark.probes.companions import Companions
from birthmark.probes.judge import Judge, labelled

OTHERWISE = "or use errors, which ask only the victim"
AT_ONCE = 128


class SacW:
    """Images that the victim misses, and its copies more often than independent models do.

    Source: SAC, arXiv 2210.15427, "SAC-w": wrong for the victim and its surrogates, right for
    independent models. By how many of them is open. Here an image that the victim misses counts by
    the share of surrogates that miss it less the share of outsiders that do; the largest are
    taken, equal ones in the order of the draw, and none that is not above 0. So where images
    abound, every surrogate is wrong and every outsider right.

    The images are tried in the order of the draw, as the PNG bytes that the probes then are, all of
    them unless enough with the largest possible difference are found before. A class needs the same
    number in all models' answers as in the labels.
    """

    name = "sac-w"
    asks_victim = True
    asks_companions = True
    true_labels = True

    def select(
        self,
        images: ImageSet,
        victim: Suspect | None,
        n: int,
        draw: Draw,
        resize: tuple[int, int] | None = None,
        companions: Companions = Companions(),
    ) -> list[Image]:
        """Find the n images that set copies apart most."""
        if victim is None:
            raise BirthmarkError(self.name, "there is no victim to ask", "pass one")
        companions.require_both(self.name, OTHERWISE)
        owner = Judge(victim, OTHERWISE)
        copies = [Judge(model, OTHERWISE) for model in companions.surrogates]
        others = [Judge(model, OTHERWISE) for model in companions.outsiders]
        sample = list(islice(labelled(images, draw, resize), AT_ONCE))
        for judge in (*copies, *others):
            judge.wrong(sample)
            judge.require_same_classes()
        found: list[tuple[int, Image]] = []
        candidates, best = labelled(images, draw, resize), len(copies) * len(others)
        while sum(apart == best for apart, _ in found) < n and (
            batch := list(islice(candidates, AT_ONCE))
        ):
            missed = list(compress(batch, owner.wrong(batch)))
            apart = _times(copies, missed) * len(others) - _times(others, missed) * len(copies)
            found += [(a, image) for a, image in zip(apart.tolist(), missed, strict=True) if a > 0]
        owner.require_same_classes()
        if len(found) < n:
            raise BirthmarkError(
                images.source,
                f"of the images that {owner.name} gets wrong, surrogates get {len(found)} (of"
                f" {owner.answers} labelled ones) wrong more often than outsiders, but {n} are"
                " needed",
                f"pass -n {len(found)} or add images" if len(found) > 1 else "add images",
            )
        found.sort(key=lambda one: -one[0])
        return [replace(image, name=f"{i:05d}.png") for i, (_, image) in enumerate(found[:n])]


def _times(judges: Sequence[Judge], images: Sequence[Image]) -> NDArray[np.int64]:
    """How many of the models miss each image, int64 (n,)."""
    wrong = np.array([judge.wrong(images) for judge in judges], dtype=np.int64)
    times: NDArray[np.int64] = wrong.sum(axis=0)
    return times


PROBES.register(r"sac-w", example="sac-w")(SacW)
