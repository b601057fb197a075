"""Images that the victim gets wrong (SAC-source)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from birthmark.errors import BirthmarkError
from birthmark.images import Image, ImageSet, encoded
from birthmark.outputs import Kind
from birthmark.probes.base import PROBES, Draw, pictures
from birthmark.probes.companions import Companions
from birthmark.suspects import Suspect

ENOUGH_ANSWERS = 30


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
        asked = _askable(victim)
        if all(entry.label is None for entry in images.entries):
            raise BirthmarkError(
                images.source,
                "has no labels, so no answer to it is known to be wrong",
                "label the images, or use other probes, such as jpeg25",
            )
        different = len({entry.digest for entry in images.entries})
        candidates = (
            Image(encoded(one.picture, "PNG"), f"{i:05d}.png", one.label)
            for i, one in enumerate(pictures(images, different, draw, resize))
            if one.label is not None
        )
        true: list[int | None] = []
        said: list[int] = []
        missed: list[Image] = []
        while len(missed) < n and (batch := list(islice(candidates, asked.batch or different))):
            answers = asked.answer(batch).predicted().tolist()
            true += [image.label for image in batch]
            said += answers
            missed += [
                image for image, label in zip(batch, answers, strict=True) if image.label != label
            ]
        name = asked.description.name
        _require_same_classes(name, true, said)
        if len(missed) < n:
            raise BirthmarkError(
                images.source,
                f"{name} gets {len(missed)} of its {len(said)} labelled images wrong,"
                f" {n} were asked for",
                f"pass -n {len(missed)} or add images" if len(missed) > 1 else "add images",
            )
        return [replace(image, name=f"{i:05d}.png") for i, image in enumerate(missed[:n])]


def _askable(victim: Suspect | None) -> Suspect:
    other = "or use probes that need no victim, such as jpeg25"
    if victim is None:
        raise BirthmarkError("errors", "no victim was given to ask", f"pass one, {other}")
    known = victim.description
    if known.adapter == "recorded":
        raise BirthmarkError(
            known.name,
            "is recorded answers, which cannot be asked for more",
            f"pass the model itself, {other}",
        )
    if known.output is Kind.EMBEDDINGS:
        raise BirthmarkError(
            known.name,
            "answers with embeddings, which are neither right nor wrong",
            f"pass a model that answers with classes, {other}",
        )
    return victim


def _require_same_classes(name: str, true: Sequence[int | None], said: Sequence[int]) -> None:
    """Refuse answers that are right no more often than shuffled ones, plus three deviations."""
    n = len(said)
    if n < ENOUGH_ANSWERS:
        return
    labels = Counter(true)
    by_chance = sum(labels[label] * count for label, count in Counter(said).items()) / n**2
    right = sum(a == b for a, b in zip(true, said, strict=True))
    if right <= n * by_chance + 3 * (n * by_chance * (1 - by_chance)) ** 0.5:
        raise BirthmarkError(
            name,
            f"answers {right} of {n} labelled images right, no better than chance",
            "number the labels as it numbers its classes, and check its declared range, mean,"
            " deviation and channel order",
        )


PROBES.register(r"errors", example="errors")(Errors)
