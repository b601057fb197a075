"""What an audit concludes, as `result.json` holds it."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from birthmark.calibration import FamilyRank, smallest_p
from birthmark.controls import Controls
from birthmark.digests import Digest
from birthmark.evasion import Check
from birthmark.outputs import Kind
from birthmark.suspects import Description


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


class Significance(BaseModel):
    """A partial Mantel test: what the probes alone say.

    Attributes
    ----------
    correlation
        Of the suspect's and the victim's pairs of probes less what the references explain.
    p_value
        The share of orders of the probes in which it is as high, at least 1 / (permutations + 1).
        Innocent models have small ones too: see `references_below`.
    permutations
        How many orders were drawn.
    references_below
        How many references have a p-value of at most alpha, given the other references;
        None where the suspect is not close enough for it to matter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    correlation: float
    p_value: float
    permutations: int
    references_below: int | None


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
        The rate that holds for an innocent that is exchangeable with the references as a whole:
        floor(alpha (n + 1)) / (n + 1).
    families
        The suspect's rank within every family of references. Derived takes a rank in each that is
        as close as alpha asks, or closer than all where a family is too small for that.
    family_rate
        The rate that holds for an innocent of one of these families, whichever: the largest of
        theirs; None if the references state no families.
    controls
        The comparison with something else in the victim's place; None where p > alpha.
    significance
        What the probes alone say; no part of the verdict.
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
    checks
        What was looked for in the answers of a suspect that may be evasive.
    queries
        How many probes were put to the suspect.
    refused
        How many of these it did not answer; the others were compared.
    repeated
        How often a probe was asked once more.
    looks
        If probes were asked in batches, how many looks were taken and how many there could have
        been. The p-value is then the rank at the last look, and no longer a p-value of its own: the
        rate is what holds.
    fingerprint
        The fingerprint's seal, if it was read from a file.
    victim, suspect
        The two models.
    answers
        Digest of the suspect's answers to the probes that it did not refuse.
    libraries
        What computed this.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["birthmark-result/1"] = "birthmark-result/1"
    verdict: Verdict
    p_value: float
    alpha: float
    false_positive_rate: float
    families: list[FamilyRank]
    family_rate: float | None
    controls: Controls | None
    significance: Significance
    independent_above: float
    method: str
    compared_as: Kind
    score: float
    references: list[ReferenceScore]
    findings: list[str]
    assumptions: list[str]
    checks: list[Check] = []
    queries: int
    refused: int = 0
    repeated: int = 0
    looks: tuple[int, int] | None
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
        if self.looks is not None:
            placed += f" after {self.queries} probes, at look {self.looks[0]} of {self.looks[1]}"
        return {
            Verdict.DERIVED: f"{suspect} is called derived from {victim}: {placed}. If it were"
            " independent and comparable with them, this verdict would come in at most"
            f" {self.false_positive_rate:.3g} of cases"
            + (
                ""
                if self.family_rate is None
                else f"; if it were of one of their families, in at most {self.family_rate:.3g}"
            )
            + ".",
            Verdict.INDEPENDENT: "This test shows no sign that"
            f" {suspect} is derived from {victim}, which is no proof that it is not: {placed}.",
            Verdict.INCONCLUSIVE: f"It cannot be said whether {suspect} is derived from {victim}:"
            f" {placed}. Derived takes p <= {self.alpha:g}, independent p >"
            f" {self.independent_above:g}, and no finding against it.",
        }[self.verdict]
