"""Asking a few probes again, to learn whether a suspect answers the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath

import numpy as np

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, Progress, encoded, silent
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters import Suspect
from birthmark.models.adapters.base import Answered, DryRun, RemoteSuspect
from birthmark.models.queries import ask_some, part_of, together

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
        How many to ask again; 0 for none. Where each takes a call for every reference image, one.
    skip
        How many of the first probes are reference images, which are not asked again.
    """

    suspect: Suspect
    probes: Sequence[Image]
    count: int = REPEATS
    skip: int = 0
    found: dict[Time, Again] = field(default_factory=dict)
    _places: list[int] = field(default_factory=list)
    _before: Outputs | None = None

    @property
    def calls(self) -> int:
        """How many probes were asked again."""
        done = [again for again in self.found.values() if again.failed is None]
        return sum(len(again.after) + again.refused for again in done)

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
        rows = [row for row, place in enumerate(given.places) if place >= self.skip]
        if not self.possible or not rows:
            return
        chosen = self.spread(rows)
        self._places = [given.places[row] for row in chosen]
        self._before = given.outputs.at(chosen)
        self._ask(Time.AT_ONCE, self._chosen, 1)

    def after_last(self) -> None:
        """Ask them again at the end, and as PNG."""
        if self._before is None:
            return
        self._ask(Time.AT_THE_END, self._chosen, 2)
        if self.sends_files:
            self._ask(Time.AS_PNG, [as_png(probe) for probe in self._chosen], 0)

    def spread(self, places: Sequence[int]) -> list[int]:
        """As many of these as are asked again, evenly spread."""
        pairs = self.suspect.description.output is Kind.SIMILARITIES
        most = min(1 if pairs else self.count, len(places))
        return [
            places[i] for i in np.unique(np.linspace(0, len(places) - 1, most).round()).astype(int)
        ]

    def first(self) -> int:
        """How many probes are asked before some of them are asked again."""
        batch = max(self.suspect.batch or FIRST, self.count) + self.skip
        return min(batch, len(self.probes)) if self.possible else len(self.probes)

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
    total, first = len(probes), repeats.first()
    parts = [ask_some(suspect, probes[:first], part_of(progress, 0, total))]
    repeats.after_first(parts[0])
    if first < total:
        parts.append(ask_some(suspect, probes[first:], part_of(progress, first, total)))
    repeats.after_last()
    return together(suspect.description.name, parts)


def planned(suspect: RemoteSuspect, repeats: Repeats) -> tuple[DryRun, int]:
    """What an audit sends if nothing is refused, and how many questions of it are repeats.

    Nothing is sent.
    """
    plans = [suspect.dry_run(repeats.probes)]
    if repeats.possible:
        places = repeats.spread(range(repeats.skip, repeats.first()))
        some = [repeats.probes[i] for i in places]
        plans += [suspect.again(time).dry_run(some) for time in (1, 2)]
        if repeats.sends_files:
            plans.append(suspect.dry_run([as_png(probe) for probe in some]))
    plan = DryRun(
        calls=sum(plan.calls for plan in plans),
        known=sum(plan.known for plan in plans),
        cost=sum(plan.cost for plan in plans),
        least_seconds=sum(plan.least_seconds for plan in plans),
        example=plans[0].example,
    )
    return plan, sum(again.calls + again.known for again in plans[1:])


def as_png(probe: Image) -> Image:
    """The same pixels in a file without loss."""
    picture = probe.picture(probe.pixels.shape[2], None, "nearest")
    return Image(encoded(picture, "PNG"), f"{PurePosixPath(probe.name).stem}.png", probe.label)
