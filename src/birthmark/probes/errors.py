"""Images that the victim gets wrong (SAC-source)."""

from __future__ import annotations

from dataclasses import replace
from itertools import compress, islice

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet
from birthmark.models.adapters import Suspect
from birthmark.probes.base import PROBES, Draw
from birthmark.probes.companions import Companions
from birthmark.probes.judge import Judge, labelled

OTHERWISE = "or use probes that need no victim, such as jpeg25"


class Errors:
    """Images whose label the victim misses, since a copy inherits the victim's errors.

    Source: SAC, arXiv 2210.15427, "SAC-source": wrong for the victim, whatever other models say.
    The images are tried in the order of the draw, as the PNG bytes that the probes then are, until
    enough are missed. A class needs the same number in the victim's answers as in the labels.
    """

    name = "errors"
    asks_victim = True
    asks_companions = False
    true_labels = True

    def select(
        self,
        images: ImageSet,
        victim: Suspect | None,
        n: int,
        draw: Draw,
        resize: tuple[int, int] | None = None,
        companions: Companions = Companions(),  # noqa: ARG002
    ) -> list[Image]:
        """Find the first n drawn images that the victim gets wrong."""
        if victim is None:
            raise BirthmarkError(self.name, "there is no victim to ask", f"pass one, {OTHERWISE}")
        judge = Judge(victim, OTHERWISE)
        candidates = labelled(images, draw, resize)
        missed: list[Image] = []
        while len(missed) < n and (
            batch := list(islice(candidates, victim.batch or len(images.entries)))
        ):
            missed += compress(batch, judge.wrong(batch))
        judge.require_same_classes()
        if len(missed) < n:
            raise BirthmarkError(
                images.source,
                f"{judge.name} gets {len(missed)} of its {judge.answers} labelled images wrong,"
                f" but {n} are needed",
                f"pass -n {len(missed)} or add images" if len(missed) > 1 else "add images",
            )
        return [replace(image, name=f"{i:05d}.png") for i, image in enumerate(missed[:n])]


PROBES.register(r"errors", example="errors")(Errors)
