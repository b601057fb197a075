"""Services that only compare two images: which pairs are asked about, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from birthmark.data.images import Image, Progress
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters import Description, Suspect
from birthmark.models.adapters.base import Answered, DryRun, PairSuspect, RemoteSuspect
from birthmark.scores import Score
from birthmark.scores.methods import no_pairs


@dataclass(frozen=True)
class PairPlan:
    """What an audit asks of a service, by the form of its answers.

    Reference images are compared with nothing but the other probes: among themselves they would
    tell the same of every model that is asked.

    Attributes
    ----------
    probes
        How many probes a fingerprint has.
    references
        How many of them, the first ones, are reference images.
    """

    probes: int
    references: int

    @property
    def embeddings(self) -> int:
        """Calls if each answers with the embedding of one image."""
        return self.probes

    @property
    def pairs(self) -> int:
        """Calls if each compares two images."""
        return (self.probes - self.references) * self.references

    @property
    def sentence(self) -> str:
        """Both, in words."""
        others = self.probes - self.references
        return (
            f"{self.embeddings:,} by embeddings; {self.pairs:,} by comparing two images a call:"
            f" {others:,} probes with {self.references} reference images"
        )


def bound(
    suspect: Suspect | PairSuspect, probes: Sequence[Image], score: Score
) -> Suspect | RemoteSuspect:
    """A suspect that answers single images: itself, or of pairs its similarities to the first.

    Parameters
    ----------
    suspect
        The model in question.
    probes
        All of a fingerprint.
    score
        The method's, which says how many of them are reference images.

    Raises
    ------
    BirthmarkError
        If the suspect only compares images and the score takes no similarities.
    """
    if not isinstance(suspect, PairSuspect):
        return suspect
    if Kind.SIMILARITIES not in score.kinds:
        raise no_pairs(f"answers of {suspect.description.name}", score)
    references = probes[: score.reference_images]
    inner = suspect.against(references)
    if isinstance(inner, RemoteSuspect):
        return _RemoteRelated(inner, references)
    return _Related(inner, references)


class _Related:
    """Answers a reference image with zeros, which nobody looks at, and asks about the others."""

    def __init__(self, inner: Suspect, references: Sequence[Image]) -> None:
        self._inner = inner
        self._references = references
        self._names = {one.name for one in references}

    @property
    def description(self) -> Description:
        return self._inner.description

    @property
    def batch(self) -> int | None:
        return self._inner.batch

    def answer(self, images: Sequence[Image]) -> Outputs:
        places = self._asked(images)
        if not places:
            return self._filled(len(images), [], None)
        return self._filled(
            len(images), places, self._inner.answer([images[place] for place in places])
        )

    def _asked(self, images: Sequence[Image]) -> list[int]:
        return [place for place, image in enumerate(images) if image.name not in self._names]

    def _filled(self, count: int, places: Sequence[int], answers: Outputs | None) -> Outputs:
        width = len(self._references) if answers is None else answers.classes
        values = np.zeros((count, width), dtype=np.float32)
        if answers is not None:
            values[places] = answers.values
        return Outputs(values, Kind.SIMILARITIES, width)


class _RemoteRelated(_Related):
    """The same over a network."""

    _inner: RemoteSuspect

    def __init__(self, inner: RemoteSuspect, references: Sequence[Image]) -> None:
        super().__init__(inner, references)

    def answer_some(self, images: Sequence[Image], progress: Progress) -> Answered:
        places = self._asked(images)
        if not places:
            return Answered(self._filled(len(images), [], None))
        some = self._inner.answer_some([images[place] for place in places], progress)
        refused = {places[at]: said for at, said in some.refused.items()}
        kept = [place for place in range(len(images)) if place not in refused]
        rows = {place: row for row, place in enumerate(kept)}
        answered = [rows[place] for place in places if place not in refused]
        outputs = some.outputs if answered else None
        return Answered(self._filled(len(kept), answered, outputs), refused)

    def again(self, time: int) -> _RemoteRelated:
        return _RemoteRelated(self._inner.again(time), self._references)

    def dry_run(self, images: Sequence[Image]) -> DryRun:
        return self._inner.dry_run([images[place] for place in self._asked(images)])
