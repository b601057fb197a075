"""Which probes speak most for derivation, and which most against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birthmark.audit.audit import Audited
from birthmark.audit.comparable import comparable, compared
from birthmark.bundle import Bundle
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters.base import Answered
from birthmark.scores.jackknife import LeavesOut, jackknifed, without_each
from birthmark.scores.methods import method

MOST_SHOWN = 6
"""So many probes are shown of each kind."""
MOST_PROBES = 200
"""Among so many probes at most the contributions are computed."""
MOST_WORK = 40_000_000
"""Numbers that may be touched by leaving out probes of a score that knows no short way."""
LEAST_EXAMINED = 20
NOTHING = 1e-9


@dataclass(frozen=True)
class Answer:
    """What a model answered to one probe.

    Attributes
    ----------
    role
        Victim, suspect or typical reference.
    predicted
        The class; None for embeddings and similarities.
    share
        Its probability, where the model tells it.
    as_victim
        Whether the model has as many classes as the victim, so that numbers may mean the same.
    """

    role: str
    predicted: int | None
    share: float | None
    as_victim: bool


@dataclass(frozen=True)
class Speaking:
    """A probe, or probes that belong together, and what they say.

    Attributes
    ----------
    place
        Position of the first one among the fingerprint's probes, from 0.
    images
        The probes.
    contribution
        How much closer than the references the suspect is by it; below 0, farther.
    answers
        Of the victim, the suspect and a typical reference to the first one; empty for embeddings.
    """

    place: int
    images: Sequence[Image]
    contribution: float
    answers: list[Answer]


@dataclass(frozen=True)
class Contributions:
    """What probes contribute to one suspect's lead.

    Attributes
    ----------
    suspect, typical
        Names of the suspect and of the typical reference: the one in the middle by distance.
    lead
        The mean distance of the references less the suspect's.
    examined, probes
        How many probes, or groups that belong together, were examined, and how many there are.
    among
        How many of these the distances are computed from.
    block
        How many probes belong together.
    positive
        How many of those examined speak for derivation.
    speak_for, against
        Those that do so most, the strongest first.
    """

    suspect: str
    typical: str
    lead: float
    examined: int
    probes: int
    among: int
    block: int
    positive: int
    speak_for: list[Speaking]
    against: list[Speaking]


def contributions(bundle: Bundle, audited: Audited) -> Contributions | None:
    """What each probe contributes to a suspect's lead over the references.

    The lead is the references' mean distance less the suspect's. A probe's contribution is its
    jackknife pseudo-value: n times the lead of n probes less n - 1 times that without it. The mean
    of all is about the lead, and exactly so where a score is a mean over probes.

    Parameters
    ----------
    bundle
        The fingerprint.
    audited
        The audit of one suspect.

    Returns
    -------
    Contributions
        None where the score can't be computed with fewer probes.
    """
    asked = bundle.first(audited.result.queries)
    given = Answered(audited.answers, audited.refused)
    positions = {image.name: i for i, image in enumerate(asked.probes)}
    bundle, answers = comparable(asked, given)
    score = method(bundle.manifest.method).score
    alike = compared(bundle, answers)
    skipped = len(bundle.probes) - len(alike.victim)
    kept = max(0, score.reference_images - skipped)
    total = (len(alike.victim) - kept) // score.block
    chosen = _spread(total, max(2, MOST_PROBES // score.block))
    firsts = kept + chosen * score.block
    asked_of = (firsts[:, None] + np.arange(score.block)).ravel()
    places = np.concatenate([np.arange(kept), asked_of])
    victim, *pool = (
        one.at(places.tolist()) for one in (alike.victim, alike.suspect, *alike.references)
    )
    examined = np.arange(len(chosen))
    if not isinstance(score, LeavesOut):
        width = victim.values.shape[1] if victim.values.ndim > 1 else 1
        work = len(pool) * len(places) * (len(places) + width)
        examined = _spread(len(chosen), max(LEAST_EXAMINED, MOST_WORK // work))
    try:
        whole = _lead(np.array(score(victim, pool)))
        without = _lead(without_each(score, victim, pool, (kept + examined).tolist()))
    except BirthmarkError:
        return None
    values = jackknifed(whole, without, len(chosen))
    if not np.isfinite(values).all():
        return None

    references = audited.result.references
    middle = sorted(range(len(references)), key=lambda i: references[i].score)
    typical = middle[(len(middle) - 1) // 2]
    models = [("Victim", bundle.victim), ("Suspect", answers)]
    models.append(("Typical reference", bundle.references[typical]))

    def speaking(i: int) -> Speaking:
        first = skipped + int(firsts[examined[i]])
        said = [_answer(role, outputs, first, bundle.victim) for role, outputs in models]
        return Speaking(
            place=positions[bundle.probes[first].name],
            images=bundle.probes[first : first + score.block],
            contribution=float(values[i]),
            answers=[] if any(one.predicted is None for one in said) else said,
        )

    order = np.argsort(-values, kind="stable")
    return Contributions(
        suspect=audited.result.suspect.name,
        typical=references[typical].name,
        lead=float(whole),
        examined=len(examined),
        probes=total,
        among=len(chosen),
        block=score.block,
        positive=int((values > NOTHING).sum()),
        speak_for=[speaking(i) for i in order[:MOST_SHOWN] if values[i] > NOTHING],
        against=[speaking(i) for i in order[::-1][:MOST_SHOWN] if values[i] < -NOTHING],
    )


def _lead(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the suspect, which comes first: (..., pool) to (...)."""
    lead: NDArray[np.float64] = numbers[..., 1:].mean(axis=-1) - numbers[..., 0]
    return lead


def _spread(n: int, most: int) -> NDArray[np.int64]:
    """At most so many of n places, evenly spread."""
    return np.linspace(0, n - 1, min(n, most)).round().astype(np.int64)


def _answer(role: str, outputs: Outputs, place: int, victim: Outputs) -> Answer:
    as_victim = outputs.kind is Kind.LABELS or outputs.classes == victim.classes
    if not outputs.kind.tells_classes:
        return Answer(role, None, None, as_victim)
    one = outputs.at([place])
    predicted = int(one.predicted()[0])
    if outputs.kind is Kind.LABELS:
        return Answer(role, predicted, None, as_victim)
    share = float(one.to(Kind.PROBABILITIES).values[0, predicted])
    return Answer(role, predicted, share, as_victim)
