"""How strong the evidence is, and what an audit would have found."""

from __future__ import annotations

from collections.abc import Sequence

from birthmark.audit.findings import Finding
from birthmark.bundle import Manifest
from birthmark.calibration import Power, Strength, power, strength
from birthmark.scores.methods import OURS, PLAIN


def strength_of(
    chosen: str, p_value: float | None, share: float, found: Sequence[Finding]
) -> Strength | None:
    """The likelihood ratio, where it was measured and nothing forbids what it speaks for."""
    if p_value is None or chosen not in (OURS, PLAIN) or not all(one.accuses for one in found):
        return None
    told = strength(p_value, share)
    return told if told.ratio > 1 or all(one.clears for one in found) else None


def power_of(manifest: Manifest, within: float, references: Sequence[float]) -> Power | None:
    """Which thieves would lie below a line, where that was measured."""
    if manifest.method not in (OURS, PLAIN) or manifest.start is None:
        return None
    return power(within, references, manifest.start)


def too_weak(would_find: Power | None) -> Finding | None:
    """Why a suspect that is not close may not be called independent, if so."""
    if would_find is None:
        return Finding(
            "Nobody knows how many copies this audit would have found: that was measured for the"
            " method `birthmark` only, and depends on what the victim's training started from"
            " (--start). So the suspect cannot be called independent.",
            clears=False,
        )
    if would_find.enough:
        return None
    return Finding(
        f"{would_find.sentence} That is too few to call the suspect independent. More references"
        " of more lineages would find more.",
        clears=False,
    )
