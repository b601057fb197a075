"""One line of a comparison."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from birthmark.audit.audit import Audited
from birthmark.audit.verdict import Verdict
from birthmark.common.errors import BirthmarkError
from birthmark.fingerprint import Fingerprint


class Row(BaseModel):
    """One suspect audited by one fingerprint.

    Attributes
    ----------
    fingerprint, victim, suspect
        The fingerprint's file, and the models' names.
    verdict
        None where the suspect's answers could not be compared; `problem` says why.
    p_value, score, lineage_rate
        As in the result.
    references
        How many reference models stand behind it.
    findings
        What was noticed that bears on the verdict.
    problem
        Why there is no verdict.
    weights
        What its file's weights say beside the sketches in a registry, or why they don't.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    victim: str
    suspect: str
    verdict: Verdict | None
    p_value: float | None
    score: float | None
    lineage_rate: float | None
    references: int
    findings: list[str]
    problem: str | None = None
    weights: str | None = None


def row_of(name: str, audited: Audited) -> Row:
    """The line of an audit by the fingerprint of this name."""
    result = audited.result
    return Row(
        fingerprint=name,
        victim=result.victim.name,
        suspect=result.suspect.name,
        verdict=result.verdict,
        p_value=result.p_value,
        score=result.score,
        lineage_rate=result.lineage_rate,
        references=len(result.references),
        findings=result.findings,
    )


def failed_row(
    name: str, fingerprint: Fingerprint | None, suspect: str, error: BirthmarkError
) -> Row:
    """The line of a suspect that could not be compared; the fingerprint too may be what failed."""
    return Row(
        fingerprint=name,
        victim="" if fingerprint is None else fingerprint.manifest.victim.name,
        suspect=suspect,
        verdict=None,
        p_value=None,
        score=None,
        lineage_rate=None,
        references=0 if fingerprint is None else len(fingerprint.bundle.references),
        findings=[],
        problem=str(error),
    )
