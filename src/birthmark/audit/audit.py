"""From a fingerprint and a suspect to a verdict."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

from birthmark.audit.answers import Ran, Recorded
from birthmark.audit.comparable import Compared, comparable, compared
from birthmark.audit.controls import controls
from birthmark.audit.direction import of_direction, require_same_direction
from birthmark.audit.early_stop import ask_until_sure
from birthmark.audit.evasion import Seen, noticed
from birthmark.audit.findings import (
    Finding,
    assumptions,
    of_copies,
    of_fingerprint,
    of_rank,
    of_suspect,
)
from birthmark.audit.pairs import bound
from birthmark.audit.repeats import REPEATS, Again, Repeats, Time, ask_repeatedly
from birthmark.audit.result import ReferenceScore, Result, Significance
from birthmark.audit.rule import ALPHA, Rule, line
from birthmark.audit.verdict import Verdict
from birthmark.audit.weight import power_of, strength_of, too_weak
from birthmark.bundle import Bundle
from birthmark.calibration import (
    by_lineage,
    conformal_p,
    decisive,
    enough,
    held_rate,
    mantel_each,
    mantel_of,
    possible,
    predictions,
    references_needed,
    smallest_p,
    spent,
)
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Progress, silent
from birthmark.data.outputs import Outputs
from birthmark.enrolment.population import counted_once, distinct
from birthmark.enrolment.population import of_suspect as of_suspect_among
from birthmark.models.adapters import Suspect
from birthmark.models.adapters.base import Answered, PairSuspect, Recording
from birthmark.scores.methods import common_kind, method

SPENT = (
    "At an earlier batch the test already pointed at another model, so it may not accuse now."
    " Audit with new probes to be sure."
)
FEW = 99
"""Permutations of each reference's test."""


@dataclass(frozen=True)
class Audited:
    """A result and the answers behind it.

    Attributes
    ----------
    result
        The result.
    answers
        To the probes that were not refused, in their order.
    refused
        Positions of the probes that were, and what the suspect said.
    again
        What came of asking some once more.
    ran
        How the suspect's file was run.
    """

    result: Result
    answers: Outputs
    refused: Mapping[int, str] = field(default_factory=dict)
    again: Mapping[Time, Again] = field(default_factory=dict)
    ran: Ran = field(default_factory=Ran)

    @property
    def recorded(self) -> Recorded:
        """All that the suspect answered."""
        return Recorded(Answered(self.answers, self.refused), self.again, self.ran)


def _significance(alike: Compared, alpha: float, *, close: bool) -> Significance:
    """The suspect's partial Mantel test and, if it is close, the references' by each other."""
    others = alike.references
    own = mantel_of(alike.victim, alike.suspect, others)
    below = None
    if close:
        theirs = mantel_each(alike.victim, others, permutations=FEW)
        below = sum(one.p_value <= alpha for one in theirs)
    return Significance(
        correlation=own.correlation,
        p_value=own.p_value,
        permutations=own.permutations,
        references_below=below,
    )


def require_reachable(
    lineages: Sequence[str | None], own: str | None, alpha: float, rule: Rule
) -> None:
    """Refuse an alpha that the reference models can't support.

    Parameters
    ----------
    lineages, own
        The references', and the victim's.

    Raises
    ------
    BirthmarkError
        If even the closest suspect would have p > alpha.
    """
    references = len(lineages)
    require_rate(alpha)
    if rule is Rule.UNSEEN:
        if not enough(lineages, own):
            raise BirthmarkError(
                "references",
                f"all {references} share one lineage that is not your model's, or state none, so"
                " they predict nothing; no query was sent",
                "enroll references of at least two lineages, each in its own sub-folder, or pass"
                " --rule rank",
            )
        return
    if smallest_p(references) > alpha:
        raise BirthmarkError(
            f"alpha = {alpha}",
            f"is out of reach with {references} references, whose smallest p-value is"
            f" {smallest_p(references):.3g}; no query was sent",
            f"enroll {references_needed(alpha)} reference models or more,"
            f" or pass --alpha {math.ceil(1000 * smallest_p(references)) / 1000}",
        )


def require_rate(alpha: float) -> None:
    """Refuse what is no rate, before anything is asked."""
    if not 0 < alpha < 1:
        raise BirthmarkError("--alpha", f"is {alpha}", "pass a rate between 0 and 1, such as 0.01")


def prepared(
    bundle: Bundle,
    suspect: Suspect | PairSuspect,
    alpha: float,
    independent_above: float,
    rule: Rule = Rule.UNSEEN,
) -> Suspect:
    """A suspect that can be asked about each probe, once all is checked that costs no query.

    Raises
    ------
    BirthmarkError
        If alpha can't be reached, or the answers couldn't be compared.
    """
    require_reachable(
        [one.lineage for one in bundle.manifest.references],
        bundle.manifest.victim.lineage,
        alpha,
        Rule(rule),
    )
    if not alpha <= independent_above <= 1:
        raise BirthmarkError(
            "--independent-above", f"is {independent_above}", f"pass {alpha} (alpha) to 1"
        )
    score = method(bundle.manifest.method).score
    suspect = bound(suspect, bundle.probes, score)
    common_kind([bundle.victim.kind, suspect.description.output], score)
    bundle.require_same_pixels("fingerprint")
    return suspect


def audit(
    bundle: Bundle,
    suspect: Suspect | PairSuspect,
    *,
    alpha: float = ALPHA,
    independent_above: float = 0.5,
    rule: Rule = Rule.UNSEEN,
    stop_early: bool = False,
    repeats: int = REPEATS,
    again: Mapping[Time, Again] | None = None,
    seal: str | None = None,
    name: str | None = None,
    progress: Progress = silent,
) -> Audited:
    """Put a fingerprint's probes to a suspect and judge its answers.

    Parameters
    ----------
    bundle
        The fingerprint.
    suspect
        The model in question; one that only compares images is asked about pairs
        (`birthmark.audit.pairs`).
    alpha
        The largest false-positive rate to accept.
    independent_above
        The p-value above which the suspect is called independent, if a copy would have been found;
        alpha to 1.
    rule
        What derived takes.
    stop_early
        Whether to ask in batches and stop as soon as the suspect is called derived; the rate holds
        over all looks (`birthmark.calibration.Sequential`).
    repeats
        How many probes to ask again, at once and at the end, to see whether answers change.
    again
        What came of that before, where an audit is repeated; nothing is asked again then.
    seal
        The fingerprint's seal, for the result.
    name
        What result and report call the suspect; its own name if not given.
    progress
        Is told how far it is.

    Raises
    ------
    BirthmarkError
        Before a query is sent if alpha can't be reached or the answers couldn't be compared;
        after it if the suspect fails, or too few probes were answered to compare anything.
    """
    if repeats < 0:
        raise BirthmarkError("--repeats", f"is {repeats}", "pass 0 or more")
    rule = Rule(rule)
    recording = suspect
    copies = counted_once(bundle)
    found = [*of_copies(bundle, copies)]
    bundle = bundle.keeping(distinct(len(bundle.references), copies))
    found += of_fingerprint(bundle, rule)
    suspect = prepared(bundle, suspect, alpha, independent_above, rule)
    score = method(bundle.manifest.method).score
    require_same_direction(bundle, suspect, score)
    stopped = None
    repeated = Repeats(
        suspect,
        bundle.probes,
        repeats if again is None else 0,
        score.reference_images,
        dict(again or {}),
    )
    if stop_early:
        lineage = suspect.description.lineage
        stopped = ask_until_sure(bundle, suspect, alpha, rule, lineage, repeated, progress)
        given = stopped.given
    else:
        given = ask_repeatedly(suspect, bundle.probes, repeated, progress)
    found += of_direction(bundle.first(given.asked), given, score)
    bundle, answers = comparable(bundle.first(given.asked), given)
    answers.require_plausible(suspect.description.name, varied=False)
    alike = compared(bundle, answers)
    own, *others = score(alike.victim, [alike.suspect, *alike.references])
    described = bundle.manifest.references
    named = [one.lineage for one in described]
    predicted = decisive(predictions(own, others, named, bundle.manifest.victim.lineage))
    by_rank = conformal_p(own, others)
    p = by_rank if predicted is None or rule is Rule.RANK else predicted.p_value
    as_close = sum(other <= own for other in others)
    share = 1.0 if stopped is None else spent(stopped.looks, stopped.planned)
    level = alpha if rule is Rule.RANK else alpha * share
    close = p <= level and (rule is Rule.RANK or not as_close)
    lineages = by_lineage(own, others, named, alpha)
    asked = possible(lineages, suspect.description.lineage) if rule is Rule.RANK else []
    found += of_suspect(bundle, suspect, answers, rule)
    standing = of_suspect_among(score, alike.victim, alike.suspect, alike.references, named)
    if standing is not None and not standing.fits:
        found.append(
            Finding(
                f"The suspect {standing.sentence}. So the references say nothing about it: it can"
                " be called neither derived nor independent.",
                clears=False,
                accuses=False,
            )
        )
    seen = noticed(Seen(bundle, suspect.description, given, answers, alike, repeated.found))
    found += [one.finding for one in seen if one.finding is not None]
    control = None
    if close:
        control = controls(
            score,
            alike.victim,
            alike.suspect,
            alike.references,
            alpha,
            named if rule is Rule.UNSEEN else None,
        )
        found += of_rank(asked)
        if not control.passed:
            found.append(
                Finding(f"{control.sentence} So it cannot be called derived.", accuses=False)
            )
    strength = strength_of(
        bundle.manifest.method,
        None if predicted is None else predicted.p_value,
        share,
        found,
    )
    within = line(rule, own, others, named, bundle.manifest.victim.lineage, level)
    would_find = power_of(bundle.manifest, within, others)
    if p > independent_above and (weak := too_weak(would_find)):
        found.append(weak)
    called = close if stopped is None else stopped.called
    if close and not called:
        found.append(Finding(SPENT, accuses=False))
    if called and all(one.accuses for one in found):
        verdict = Verdict.DERIVED
    elif p > independent_above and all(one.clears for one in found):
        verdict = Verdict.INDEPENDENT
    else:
        verdict = Verdict.INCONCLUSIVE
    result = Result(
        verdict=verdict,
        rule=rule,
        p_value=p,
        as_close=as_close,
        prediction=predicted,
        population=standing,
        strength=strength,
        power=would_find,
        alpha=alpha,
        false_positive_rate=alpha if rule is Rule.UNSEEN else held_rate(alpha, len(others)),
        lineages=lineages,
        controls=control,
        significance=_significance(alike, alpha, close=close),
        lineage_rate=max((one.rate for one in asked), default=None),
        independent_above=independent_above,
        method=bundle.manifest.method,
        compared_as=alike.kind,
        score=own,
        references=[
            ReferenceScore(name=one.name, lineage=one.lineage, score=number)
            for one, number in zip(described, others, strict=True)
        ],
        findings=[one.text for one in found],
        assumptions=[
            *assumptions(bundle, suspect.description, rule),
            *(one.assumed for one in seen if one.assumed is not None),
        ],
        checks=[one.check for one in seen],
        queries=given.asked,
        refused=len(given.refused),
        repeated=repeated.calls,
        looks=None if stopped is None else (stopped.looks, stopped.planned),
        fingerprint=seal,
        victim=bundle.manifest.victim,
        suspect=suspect.description.named(name),
        answers=given.outputs.digest,
        libraries={"python": platform.python_version(), "birthmark": version("birthmark")}
        | {"numpy": version("numpy")},
        ledger=recording.ledger_record() if isinstance(recording, Recording) else None,
    )
    return Audited(result, given.outputs, given.refused, repeated.found, Ran.of(suspect))
