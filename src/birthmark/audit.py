"""From a fingerprint and a suspect to a verdict."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.metadata import version
from typing import Literal

from pydantic import BaseModel, ConfigDict

from birthmark.asking import CHANCE, accuracy, ask, chance_p
from birthmark.bundle import Bundle
from birthmark.calibration import conformal_p, references_needed, smallest_p
from birthmark.digests import Digest
from birthmark.errors import BirthmarkError
from birthmark.images import Image, Progress, silent
from birthmark.methods import common_kind, method
from birthmark.outputs import Kind, Outputs
from birthmark.suspects import Description, Suspect


class Verdict(StrEnum):
    """What an audit concludes."""

    DERIVED = "derived"
    """Closer to the victim than independent models are, at the stated false-positive rate."""
    INDEPENDENT = "independent"
    """No closer to the victim than a typical independent model is."""
    INCONCLUSIVE = "inconclusive"
    """Neither can be said."""


class ReferenceScore(BaseModel):
    """An independent model's score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    family: str | None
    score: float


class Result(BaseModel):
    """An audit's result, as `result.json` holds it.

    Attributes
    ----------
    verdict
        derived, independent or inconclusive.
    p_value
        Conformal: the share of models at most as far from the victim as the suspect.
    alpha
        The false-positive rate asked for: derived means p <= alpha.
    false_positive_rate
        The rate that then holds for an exchangeable innocent: floor(alpha (n + 1)) / (n + 1).
    independent_above
        The p-value above which the verdict is independent.
    method
        Score and probes, with every parameter.
    compared_as
        The kind of answers that was compared: the coarsest that a model gave or the score needs.
    score
        The suspect's distance from the victim; smaller is closer.
    references
        The independent models' distances.
    findings
        What was noticed that bears on the verdict.
    assumptions
        What the false-positive rate rests on.
    queries
        How many probes were put to the suspect.
    fingerprint
        The fingerprint's seal, if it was read from a file.
    victim, suspect
        The two models.
    answers
        Digest of the suspect's answers.
    libraries
        What computed this.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["birthmark-result/1"] = "birthmark-result/1"
    verdict: Verdict
    p_value: float
    alpha: float
    false_positive_rate: float
    independent_above: float
    method: str
    compared_as: Kind
    score: float
    references: list[ReferenceScore]
    findings: list[str]
    assumptions: list[str]
    queries: int
    fingerprint: Digest | None
    victim: Description
    suspect: Description
    answers: Digest
    libraries: dict[str, str]

    @property
    def sentence(self) -> str:
        """The result in a few sentences."""
        n = len(self.references)
        as_far = round(self.p_value * (n + 1)) - 1
        suspect, victim = self.suspect.name, self.victim.name
        placed = f"{as_far} of {n} reference models are as close to {victim} or closer"
        placed += f" (p = {self.p_value:.3g}; {smallest_p(n):.3g} is the smallest possible)"
        return {
            Verdict.DERIVED: f"{suspect} is called derived from {victim}: {placed}. If it were"
            " independent and comparable with them, this verdict would come in at most"
            f" {self.false_positive_rate:.3g} of cases.",
            Verdict.INDEPENDENT: "This test shows no sign that"
            f" {suspect} is derived from {victim}, which is no proof that it is not: {placed}.",
            Verdict.INCONCLUSIVE: f"It cannot be said whether {suspect} is derived from {victim}:"
            f" {placed}.",
        }[self.verdict]


@dataclass(frozen=True)
class Audited:
    """A result and the answers behind it."""

    result: Result
    answers: Outputs


@dataclass(frozen=True)
class Compared:
    """All answers as one kind, so that like is compared with like."""

    kind: Kind
    victim: Outputs
    suspect: Outputs
    references: list[Outputs]


def compared(bundle: Bundle, suspect: Outputs) -> Compared:
    """Bring the victim's, the suspect's and the references' answers to one kind.

    Raises
    ------
    BirthmarkError
        If there is none that the method compares and all can be brought to.
    """
    outputs = [bundle.victim, suspect, *bundle.references]
    kind = common_kind([one.kind for one in outputs], method(bundle.manifest.method).score)
    classes = max(one.classes for one in outputs)
    brought = [one.to(kind) for one in outputs]
    if kind is Kind.LABELS:
        brought = [Outputs(one.values, kind, classes) for one in brought]
    return Compared(kind, brought[0], brought[1], brought[2:])


def require_reachable(references: int, alpha: float) -> None:
    """Refuse an alpha that the number of reference models can't support.

    Raises
    ------
    BirthmarkError
        If even the closest suspect would have p > alpha.
    """
    if not 0 < alpha < 1:
        raise BirthmarkError("--alpha", f"is {alpha}", "pass a rate between 0 and 1, such as 0.05")
    if smallest_p(references) > alpha:
        raise BirthmarkError(
            f"alpha = {alpha}",
            f"can't be reached with {references} reference models, whose smallest p-value is"
            f" {smallest_p(references):.3g}; no query was sent",
            f"enroll {references_needed(alpha)} reference models or more,"
            f" or pass --alpha {math.ceil(1000 * smallest_p(references)) / 1000}",
        )


def audit(
    bundle: Bundle,
    suspect: Suspect,
    *,
    alpha: float = 0.05,
    independent_above: float = 0.5,
    seal: str | None = None,
    progress: Progress = silent,
) -> Audited:
    """Put a fingerprint's probes to a suspect and judge its answers.

    Parameters
    ----------
    bundle
        The fingerprint.
    suspect
        The model in question.
    alpha
        The largest false-positive rate to accept.
    independent_above
        The p-value above which the suspect is called independent; alpha to 1.
    seal
        The fingerprint's seal, for the result.
    progress
        Is told how far it is.

    Raises
    ------
    BirthmarkError
        Before a query is sent if alpha can't be reached or the answers couldn't be compared;
        after it if the suspect fails or its answers are unusable.
    """
    require_reachable(len(bundle.references), alpha)
    if not alpha <= independent_above <= 1:
        raise BirthmarkError(
            "--independent-above", f"is {independent_above}", f"pass {alpha} (alpha) to 1"
        )
    score = method(bundle.manifest.method).score
    common_kind([bundle.victim.kind, suspect.description.output], score)
    bundle.require_same_pixels("fingerprint")
    answers = ask(suspect, bundle.probes, progress)
    alike = compared(bundle, answers)
    own, *others = score(alike.victim, [alike.suspect, *alike.references])
    p = conformal_p(own, others)
    checkable = _with_true_labels(bundle)
    findings, may_clear = _findings(bundle, suspect, answers, checkable)
    if p <= alpha:
        verdict = Verdict.DERIVED
    elif p > independent_above and may_clear:
        verdict = Verdict.INDEPENDENT
    else:
        verdict = Verdict.INCONCLUSIVE
    described = bundle.manifest.references
    result = Result(
        verdict=verdict,
        p_value=p,
        alpha=alpha,
        false_positive_rate=held_rate(alpha, len(others)),
        independent_above=independent_above,
        method=bundle.manifest.method,
        compared_as=alike.kind,
        score=own,
        references=[
            ReferenceScore(name=one.name, family=one.family, score=number)
            for one, number in zip(described, others, strict=True)
        ],
        findings=findings,
        assumptions=_assumptions(described, suspect.description, checkable),
        queries=len(bundle.probes),
        fingerprint=seal,
        victim=bundle.manifest.victim,
        suspect=suspect.description,
        answers=answers.digest,
        libraries={"python": platform.python_version(), "birthmark": version("birthmark")}
        | {"numpy": version("numpy")},
    )
    return Audited(result, answers)


def held_rate(alpha: float, references: int) -> float:
    """The rate that `p <= alpha` holds: floor(alpha (n + 1)) / (n + 1), 0 to alpha."""
    possible = (k / (references + 1) for k in range(references + 2))
    return max(p for p in possible if p <= alpha)


def _with_true_labels(bundle: Bundle) -> list[Image]:
    """The probes, without labels where those are no true classes that answers go with."""
    if method(bundle.manifest.method).probes.true_labels:
        return bundle.probes
    return [replace(probe, label=None) for probe in bundle.probes]


def _findings(
    bundle: Bundle, suspect: Suspect, answers: Outputs, probes: Sequence[Image]
) -> tuple[list[str], bool]:
    """What was noticed, and whether an independent verdict is still allowed."""
    findings = []
    may_clear = True
    digest = suspect.description.digest
    if digest is not None and suspect.description.adapter != "callable":
        if digest == bundle.manifest.victim.digest:
            findings.append("The suspect's file is the victim's file.")
            may_clear = False
        for reference in bundle.manifest.references:
            if digest == reference.digest:
                findings.append(f"The suspect's file is the reference model {reference.name}.")
                may_clear = False
        helped = bundle.manifest.companions
        for companion in [*helped.surrogates, *helped.outsiders] if helped else []:
            if digest == companion.digest:
                findings.append(
                    f"The suspect's file is {companion.name}, which helped to choose the probes."
                )
                may_clear = False
    if answers.values.shape[1:] != bundle.victim.values.shape[1:]:
        findings.append(
            f"The suspect answers with {answers.classes} numbers or classes, the victim with"
            f" {bundle.victim.classes}."
        )
    if unsure := _unsure_of_the_input(bundle, answers, probes):
        findings.append(f"{unsure} So it cannot be called independent.")
        may_clear = False
    return findings, may_clear


def _unsure_of_the_input(bundle: Bundle, answers: Outputs, probes: Sequence[Image]) -> str | None:
    """Why the suspect may have been shown something else than it takes, if so."""
    p = chance_p(answers, probes)
    if p is None:
        return None
    reason = "its declared input may be wrong, or it is for another task."
    if p > CHANCE:
        return (
            "The suspect answers the labelled probes no better than chance"
            f" (permutation p = {p:.3f}): {reason}"
        )
    others = [accuracy(reference, probes) for reference in bundle.references]
    right, low, high = accuracy(answers, probes), min(others), max(others)
    if right < low - (high - low) - 1 / len(probes):
        return (
            f"Whatever its classes are called, the suspect is right on at most {right:.0%} of the"
            f" labelled probes, the reference models on {low:.0%} to {high:.0%}: {reason}"
        )
    return None


def _assumptions(
    references: Sequence[Description], suspect: Description, probes: Sequence[Image]
) -> list[str]:
    families = sorted({reference.family for reference in references if reference.family})
    spread = f"of the families {', '.join(families)}" if families else "of families not stated"
    asked = "The suspect was asked as its declaration says"
    if suspect.declaration is None:
        asked = (
            "The recorded answers are taken on trust: whether they came from this suspect and these"
            " probes is not checked"
        )
    elif all(probe.label is None for probe in probes):
        asked += ", which was not checked, since the probes' true classes are not known"
    return [
        f"An innocent suspect is exchangeable with the {len(references)} reference models,"
        f" which are {spread}: as likely to have any rank among them. A suspect that is"
        " innocent but of the victim's architecture or training data may be closer than they are.",
        "The reference models were trained without the victim's answers or weights, and none of"
        " these models on the images that the probes were made of.",
        f"{asked}; and the suspect answered as it answers others.",
        "The fingerprint's seal was published before the dispute.",
    ]
