"""Asking a few probes again, to learn whether a suspect answers the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath

import numpy as np

from birthmark.asking import ask_some, part_of, together
from birthmark.errors import BirthmarkError
from birthmark.images import Image, Progress, encoded, silent
from birthmark.outputs import Outputs
from birthmark.suspects import Suspect
from birthmark.suspects.base import Answered, RemoteSuspect

REPEATS = 4
"""How many probes are asked again, if not said."""
FIRST = 20
"""After so many probes at most, where all would be asked in one batch."""


class Time(StrEnum):
    """When, or how, probes are asked once more."""

    AT_ONCE = "at once"
    AT_THE_END = "at the end"
    AS_PNG = "as png"


@dataclass(frozen=True)
class Again:
    """What came of asking probes once more.

    Attributes
    ----------
    before, after
        The first and the second answers to the probes that were answered both times.
    refused
        How many were refused this time.
    failed
        Why none could be asked; None if they could.
    """

    before: Outputs
    after: Outputs
    refused: int = 0
    failed: str | None = None


@dataclass
class Repeats:
    """Asks some of the first batch again: directly after it, and at the end.

    A suspect that is sent files is sent the same pixels as PNG too.

    Parameters
    ----------
    suspect
        The model in question.
    probes
        All probes, in order.
    count
        How many to ask again; 0 for none.
    """

    suspect: Suspect
    probes: Sequence[Image]
    count: int = REPEATS
    found: dict[Time, Again] = field(default_factory=dict)
    _places: list[int] = field(default_factory=list)
    _before: Outputs | None = None
    calls: int = 0

    @property
    def possible(self) -> bool:
        """Recorded answers cannot be asked again."""
        return self.count > 0 and self.suspect.description.adapter != "recorded"

    @property
    def sends_files(self) -> bool:
        """Whether the suspect is sent a probe's file; otherwise images are brought to it here."""
        return (
            isinstance(self.suspect, RemoteSuspect) and self.suspect.description.declaration is None
        )

    def after_first(self, given: Answered) -> None:
        """Ask again some of the probes that were answered in the first batch."""
        if not self.possible or not len(given.outputs):
            return
        most = len(given.outputs)
        chosen = np.unique(np.linspace(0, most - 1, min(self.count, most)).round().astype(int))
        self._places = [given.places[i] for i in chosen]
        self._before = given.outputs.at(chosen.tolist())
        self._ask(Time.AT_ONCE, self._chosen, 1)

    def after_last(self) -> None:
        """Ask them again at the end, and as PNG."""
        if self._before is None:
            return
        self._ask(Time.AT_THE_END, self._chosen, 2)
        if self.sends_files:
            self._ask(Time.AS_PNG, [as_png(probe) for probe in self._chosen], 0)

    @property
    def _chosen(self) -> list[Image]:
        return [self.probes[i] for i in self._places]

    def _ask(self, when: Time, images: list[Image], time: int) -> None:
        suspect: Suspect = self.suspect
        if time and isinstance(suspect, RemoteSuspect):
            suspect = suspect.again(time)
        before = self._before
        assert before is not None  # noqa: S101
        try:
            given = ask_some(suspect, images)
        except BirthmarkError as error:
            self.found[when] = Again(before.first(0), before.first(0), failed=str(error))
            return
        self.calls += len(images)
        self.found[when] = Again(before.at(given.places), given.outputs, len(given.refused))


def ask_repeatedly(
    suspect: Suspect, probes: Sequence[Image], repeats: Repeats, progress: Progress = silent
) -> Answered:
    """Put all probes to a suspect, and a few of them again.

    Raises
    ------
    BirthmarkError
        If it fails, or answers otherwise than declared.
    """
    total = len(probes)
    first = max(suspect.batch or FIRST, repeats.count) if repeats.possible else total
    first = min(first, total)
    parts = [ask_some(suspect, probes[:first], part_of(progress, 0, total))]
    repeats.after_first(parts[0])
    if first < total:
        parts.append(ask_some(suspect, probes[first:], part_of(progress, first, total)))
    repeats.after_last()
    return together(suspect.description.name, parts)


def as_png(probe: Image) -> Image:
    """The same pixels in a file without loss."""
    picture = probe.picture(probe.pixels.shape[2], None, "nearest")
    return Image(encoded(picture, "PNG"), f"{PurePosixPath(probe.name).stem}.png", probe.label)
