"""Probabilities that are flatter or sharper than all others'."""

from __future__ import annotations

import numpy as np

from birthmark.audit.evasion.base import Check, Noticed, Seen
from birthmark.audit.findings import Finding
from birthmark.data.outputs import Kind, Outputs

MARGIN = 1.0
"""How far outside the others' range, as a share of its width."""
LEAST = 0.02
"""And at least so much of the largest entropy."""


def temperature(seen: Seen) -> Noticed:
    """Whether the mean entropy of the answers is far outside the other models' range.

    measured is the distance outside the range, 0 to 1 as entropies are; limit is the margin.
    """
    alike = seen.alike
    if alike.kind not in (Kind.LOGITS, Kind.PROBABILITIES):
        return Noticed(Check(name="temperature", noticed=None))
    own = flatness(alike.suspect)
    others = [flatness(one) for one in (alike.victim, *alike.references)]
    low, high = min(others), max(others)
    margin = max(MARGIN * (high - low), LEAST)
    outside = max(own - high, low - own, 0.0)
    told = outside > margin
    finding = Finding(
        f"The suspect's probabilities are far {'flatter' if own > high else 'sharper'} than those"
        f" of the victim and of all references (mean entropy {own:.2f} of the maximum, against"
        f" {low:.2f} to {high:.2f}): they were smoothed or rescaled by a temperature, or the"
        " model was trained in another way. So it cannot be called independent.",
        clears=False,
    )
    check = Check(name="temperature", measured=outside, limit=margin, noticed=told)
    return Noticed(check, finding if told else None)


def flatness(outputs: Outputs) -> float:
    """Mean entropy of the probabilities as a share of the largest there can be, 0 to 1."""
    values = outputs.to(Kind.PROBABILITIES).values.astype(np.float64)
    values = np.clip(values, 1e-12, 1)
    entropy = -(values * np.log(values)).sum(axis=1)
    return float(entropy.mean() / np.log(values.shape[1]))
