"""Asking in batches, and stopping as soon as the answers suffice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from birthmark.audit.comparable import comparable, compared
from birthmark.audit.repeats import Repeats
from birthmark.audit.rule import Rule
from birthmark.bundle import Bundle
from birthmark.calibration import PredictionLooks, Sequential
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Progress, silent
from birthmark.models.adapters import Suspect
from birthmark.models.adapters.base import Answered
from birthmark.models.adapters.recorded import RecordedSuspect
from birthmark.models.queries import ask_some, part_of, together
from birthmark.scores import Score
from birthmark.scores.methods import method

LOOKS = (0.2, 0.3, 0.5, 0.7, 1.0)
"""After which shares of the probes the answers are looked at."""
FIRST = 20
"""But not before so many."""


class Test(Protocol):
    """Looks at the pool's numbers, the suspect's first."""

    called: bool
    looks: int

    def look(self, numbers: Sequence[float], *, last: bool) -> bool:
        """Whether the suspect is called derived by now."""
        ...


@dataclass(frozen=True)
class Stopped:
    """Answers to the first probes, and why no more were asked.

    Attributes
    ----------
    given
        Answers to as many probes as were asked.
    called
        Whether the suspect was called derived at the last look taken.
    looks
        How many looks were taken.
    planned
        How many there could have been.
    """

    given: Answered
    called: bool
    looks: int
    planned: int


def schedule(probes: int, block: int, references: int = 0) -> list[int]:
    """After how many probes to look, ascending; it depends on nothing that a suspect says.

    Parameters
    ----------
    probes
        How many a fingerprint has.
    block
        How many belong together.
    references
        How many, the first ones, are reference images that the others are compared with.
    """
    others = probes - references
    marks = {references + max(FIRST, round(share * others)) // block * block for share in LOOKS}
    return sorted({mark for mark in marks if 0 < mark < probes} | {probes})


def ask_until_sure(
    bundle: Bundle,
    suspect: Suspect,
    alpha: float,
    rule: Rule,
    lineage: str | None = None,
    repeats: Repeats | None = None,
    progress: Progress = silent,
) -> Stopped:
    """Put probes to a suspect in batches until it is called derived or all are asked.

    Parameters
    ----------
    bundle
        The fingerprint; its probes are asked in their order.
    suspect
        The model in question.
    alpha
        The largest false-positive rate to accept, over all looks together.
    rule
        What derived takes. By the rule `unseen` every look gets a share of alpha, which holds
        however they depend on each other (Bonferroni); by the rule `rank` see `Sequential`.
    lineage
        The suspect's lineage, if known.
    repeats
        Asks some of the first batch again.
    progress
        Is told how far it is.

    Raises
    ------
    BirthmarkError
        As `ask`; or if recorded answers end before the next look.
    """
    name = suspect.description.name
    recorded = _recorded(bundle, suspect)
    score = method(bundle.manifest.method).score
    marks = schedule(len(bundle.probes), score.block, score.reference_images)
    lineages = [one.lineage for one in bundle.manifest.references]
    own = bundle.manifest.victim.lineage
    test: Test = PredictionLooks(alpha, len(marks), lineages, own)
    if rule is Rule.RANK:
        if lineage in lineages:
            lineages = [one if one == lineage else None for one in lineages]
        test = Sequential(len(bundle.references), alpha, lineages)
    total = len(bundle.probes)
    parts: list[Answered] = []
    for start, end in zip([0, *marks], marks, strict=False):
        if recorded is None:
            some = part_of(progress, start, total)
            parts.append(ask_some(suspect, bundle.probes[start:end], some))
        elif end <= recorded.asked:
            parts.append(_between(recorded, start, end))
        else:
            raise BirthmarkError(
                name,
                f"holds {recorded.asked} answers, and the next look is after {end}",
                "record more, or audit all probes without --stop-early",
            )
        if repeats is not None and start == 0:
            repeats.after_first(parts[0])
        progress(f"Asking {name}", end, total)
        given = together(name, parts)
        last = end == marks[-1]
        if test.look(_numbers(bundle.first(end), given, score, last=last), last=last):
            break
    if repeats is not None:
        repeats.after_last()
    return Stopped(given, test.called, test.looks, len(marks))


def _numbers(bundle: Bundle, given: Answered, score: Score, *, last: bool) -> list[float]:
    """The pool's numbers; all alike, which calls nobody, where too few were answered so far."""
    try:
        some, answers = comparable(bundle, given)
    except BirthmarkError:
        if last or not given.refused:
            raise
        return [0.0] * (1 + len(bundle.references))
    alike = compared(some, answers)
    return score(alike.victim, [alike.suspect, *alike.references])


def _between(given: Answered, start: int, end: int) -> Answered:
    """The answers to the probes from `start` to before `end`."""
    rows = [row for row, place in enumerate(given.places) if start <= place < end]
    refused = {i - start: said for i, said in given.refused.items() if start <= i < end}
    return Answered(given.outputs.at(rows), refused)


def _recorded(bundle: Bundle, suspect: Suspect) -> Answered | None:
    """All answers of a suspect that was asked before, so that a stopped audit can be repeated."""
    if not isinstance(suspect, RecordedSuspect):
        return None
    return suspect.answer_some(bundle.probes[: suspect.count(bundle.probes)])
