"""Probes that a suspect would not answer."""

from __future__ import annotations

from birthmark.audit.evasion.base import Check, Noticed, Seen
from birthmark.audit.findings import Finding

SHARE = 0.05
"""So many probes may be refused before the verdict is inconclusive."""


def refusals(seen: Seen) -> Noticed:
    """How many probes were refused; the others were compared."""
    given = seen.given
    share = len(given.refused) / given.asked
    check = Check(name="refused", measured=share, limit=SHARE, noticed=bool(given.refused))
    if not given.refused:
        return Noticed(check)
    first = min(given.refused)
    text = (
        f"The suspect refused {len(given.refused)} of {given.asked} probes (the first with:"
        f" {given.refused[first]}); {len(seen.answers)} were compared."
    )
    few = share <= SHARE
    if not few:
        text += (
            f" That is more than {SHARE:.0%}. A suspect that picks what it answers can't be"
            " compared with references that answered everything. So no verdict is possible."
        )
    return Noticed(check, Finding(text, clears=few, accuses=few))
