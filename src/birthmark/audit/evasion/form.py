"""Answers that tell less: rounded, or the largest only."""

from __future__ import annotations

from birthmark.audit.evasion.base import Check, Noticed, Seen
from birthmark.audit.findings import Finding


def form(seen: Seen) -> Noticed:
    """Whether only a part of each answer is told; all models' are cut alike before comparing."""
    told = seen.alike.form
    return Noticed(
        Check(name="rounded or cut", noticed=bool(told)),
        Finding(told.sentence) if told else None,
    )
