"""One answer to many probes."""

from __future__ import annotations

from collections import Counter

from birthmark.audit.evasion.base import Check, Noticed, Seen
from birthmark.audit.findings import Finding
from birthmark.data.outputs import Outputs

SHARE = 0.3
"""So many probes may get one and the same answer."""
BEYOND = 0.2
"""Or so many more than any other model gives one answer to."""


def constant(seen: Seen) -> Noticed:
    """Whether every probe gets the same answer.

    Some scores put such a suspect closer than every reference, so it may not be called derived.
    """
    told = seen.alike.suspect
    same = len(told) > 1 and most_common(told) == 1
    finding = Finding(
        f"The suspect gave all {len(told)} probes the same answer. Its declared range, mean or"
        " deviation may be wrong, the wrong output may have been read, or it hides its answers."
        " So no verdict is possible.",
        clears=False,
        accuses=False,
    )
    return Noticed(Check(name="constant", noticed=same), finding if same else None)


def partly_constant(seen: Seen) -> Noticed:
    """Whether many probes get one and the same answer, and more than with any other model.

    The more of them, the likelier it is that an innocent looks close: benchmarks/evasion.md.
    """
    others = [most_common(one) for one in (seen.alike.victim, *seen.alike.references)]
    share = most_common(seen.alike.suspect)
    limit = min(1.0, max(SHARE, max(others) + BEYOND))
    told = limit < share < 1
    finding = Finding(
        f"The suspect gave one and the same answer to {share:.0%} of the probes, while the victim"
        f" and the references did so for at most {max(others):.0%}: it may be hiding its real"
        " answers. So no verdict is possible.",
        clears=False,
        accuses=False,
    )
    check = Check(name="partly constant", measured=share, limit=limit, noticed=told)
    return Noticed(check, finding if told else None)


def most_common(outputs: Outputs) -> float:
    """The largest share of the images that got one and the same answer, 0 to 1."""
    counts = Counter(row.tobytes() for row in outputs.values)
    return max(counts.values()) / len(outputs)
