"""A model that is asked whether its answers to labelled images are right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet, encoded
from birthmark.models.adapters import Suspect
from birthmark.probes.base import Draw, pictures

ENOUGH_ANSWERS = 30


class Judge:
    """A model, and what it answered to labelled images so far.

    Parameters
    ----------
    model
        Answers with classes, numbered as the labels.
    fix
        What to do where it cannot be asked for more, or answers with embeddings.

    Raises
    ------
    BirthmarkError
        In these two cases.
    """

    def __init__(self, model: Suspect, fix: str) -> None:
        known = model.description
        if known.adapter == "recorded":
            raise BirthmarkError(
                known.name,
                "is recorded answers, which cannot answer anything new",
                f"pass the model itself, {fix}",
            )
        if not known.output.tells_classes:
            raise BirthmarkError(
                known.name,
                "answers with embeddings, which can't be right or wrong",
                f"pass a model that answers with classes, {fix}",
            )
        self._model = model
        self._true: list[int | None] = []
        self._said: list[int] = []

    @property
    def name(self) -> str:
        """How people call the model."""
        return self._model.description.name

    @property
    def answers(self) -> int:
        """How many images it was asked about."""
        return len(self._said)

    def wrong(self, images: Sequence[Image]) -> list[bool]:
        """For each of the labelled images, whether the model misses its label.

        Raises
        ------
        BirthmarkError
            If the model fails.
        """
        step = self._model.batch or max(1, len(images))
        said: list[int] = []
        for start in range(0, len(images), step):
            said += self._model.answer(images[start : start + step]).predicted().tolist()
        true = [image.label for image in images]
        self._true += true
        self._said += said
        return [a != b for a, b in zip(true, said, strict=True)]

    def require_same_classes(self) -> None:
        """Refuse answers that are right no more often than shuffled ones, plus three deviations.

        A class needs the same number in the model's answers as in the labels. Fewer than 30
        answers do not tell.

        Raises
        ------
        BirthmarkError
            Naming the model.
        """
        right, by_chance = agreement(self._true, self._said)
        if by_chance:
            raise BirthmarkError(
                self.name,
                f"gets {right} of {self.answers} labelled images right, no better than chance",
                "number the labels the way it numbers its classes, and check its declared range,"
                " mean, deviation and channel order",
            )


def agreement(one: Sequence[int | None], other: Sequence[int]) -> tuple[int, bool]:
    """How often two lists of classes agree, and whether shuffled ones would as often.

    They would within three standard deviations; fewer than 30 do not tell.
    """
    n = len(other)
    counts = Counter(one)
    chance = sum(counts[label] * count for label, count in Counter(other).items()) / max(1, n) ** 2
    agree = sum(a == b for a, b in zip(one, other, strict=True))
    expected = n * chance + 3 * (n * chance * (1 - chance)) ** 0.5
    return agree, n >= ENOUGH_ANSWERS and agree <= expected


def labelled(images: ImageSet, draw: Draw, resize: tuple[int, int] | None) -> Iterator[Image]:
    """All different labelled images in the order of the draw, as the PNG files that probes are.

    Raises
    ------
    BirthmarkError
        If none has a label, or the set is of mixed sizes or holds a broken image.
    """
    if all(entry.label is None for entry in images.entries):
        raise BirthmarkError(
            images.source,
            "has no labels, so no answer is known to be wrong",
            "label the images, or use other probes, such as jpeg25",
        )
    different = len({entry.digest for entry in images.entries})
    return (
        Image(encoded(one.picture, "PNG"), f"{i:05d}.png", one.label)
        for i, one in enumerate(pictures(images, different, draw, resize))
        if one.label is not None
    )
