"""Asking in batches, and stopping as soon as the answers suffice."""

from __future__ import annotations

from dataclasses import dataclass

from birthmark.asking import ask, part_of, require_one_width
from birthmark.bundle import Bundle
from birthmark.calibration import Sequential
from birthmark.comparing import compared
from birthmark.errors import BirthmarkError
from birthmark.images import Progress, silent
from birthmark.methods import method
from birthmark.outputs import Outputs, joined
from birthmark.suspects import Suspect
from birthmark.suspects.recorded import RecordedSuspect

LOOKS = (0.2, 0.3, 0.5, 0.7, 1.0)
"""After which shares of the probes the answers are looked at."""
FIRST = 20
"""But not before so many."""


@dataclass(frozen=True)
class Stopped:
    """Answers to the first probes, and why no more were asked.

    Attributes
    ----------
    answers
        To as many probes as were asked.
    called
        Whether the suspect was called derived at the last look taken.
    looks
        How many looks were taken.
    planned
        How many there could have been.
    """

    answers: Outputs
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
    family: str | None = None,
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
    family
        The suspect's family, if known.
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
    families = [one.family for one in bundle.manifest.references]
    if family in families:
        families = [one if one == family else None for one in families]
    test = Sequential(len(bundle.references), alpha, families)
    parts: list[Outputs] = []
    for start, end in zip([0, *marks], marks, strict=False):
        if recorded is None:
            some = part_of(progress, start, len(bundle.probes))
            part = ask(suspect, bundle.probes[start:end], some, plausible=False)
        elif end <= len(recorded):
            part = recorded.first(end).after(start)
        else:
            raise BirthmarkError(
                name,
                f"holds {len(recorded)} answers, and the next look is after {end}",
                "record more, or audit all probes without --stop-early",
            )
        parts.append(part)
        require_one_width(name, parts)
        progress(f"Asking {name}", end, len(bundle.probes))
        answers = joined(parts)
        alike = compared(bundle.first(end), answers)
        numbers = score(alike.victim, [alike.suspect, *alike.references])
        if test.look(numbers, last=end == marks[-1]):
            break
    return Stopped(answers.require_plausible(name), test.called, test.looks, len(marks))


def _recorded(bundle: Bundle, suspect: Suspect) -> Outputs | None:
    """All answers of a suspect that was asked before, so that a stopped audit can be repeated."""
    if not isinstance(suspect, RecordedSuspect):
        return None
    return suspect.answer(bundle.probes[: suspect.count(bundle.probes)])
