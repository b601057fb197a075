"""One line of a comparison."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from birthmark.audit.verdict import Verdict


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
