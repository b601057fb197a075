"""Answers that are another model's."""

from __future__ import annotations

import numpy as np

from birthmark.audit.evasion.base import Check, Noticed, Seen
from birthmark.audit.findings import Finding
from birthmark.data.outputs import Kind, Outputs

TOLERANCE = 1e-3
"""Of the largest answer: processors round differently."""
DIGITS = 2
"""Answers of fewer digits are the same by chance."""


def copy_of_victim(seen: Seen) -> Noticed:
    """Whether all answers are the victim's, while the file is another."""
    victim, references = seen.alike.victim, seen.alike.references
    same = _telling(seen) and not _is(seen.suspect.digest, seen.bundle.manifest.victim.digest)
    same = same and equal(victim, seen.alike.suspect)
    same = same and not any(equal(victim, one) for one in references)
    finding = Finding(
        "The suspect's answers to all probes are the victim's own: it is the same function, or it"
        " passes what it is asked on to the victim's service. So it cannot be called independent.",
        clears=False,
    )
    return Noticed(Check(name="the victim's answers", noticed=same), finding if same else None)


def copy_of_reference(seen: Seen) -> Noticed:
    """Whether all answers are one reference's, while the file is another."""
    described = seen.bundle.manifest.references
    alike = [
        one.name
        for one, outputs in zip(described, seen.alike.references, strict=True)
        if not _is(seen.suspect.digest, one.digest) and equal(outputs, seen.alike.suspect)
    ]
    alike = alike if _telling(seen) and not equal(seen.alike.victim, seen.alike.suspect) else []
    check = Check(name="a reference's answers", noticed=bool(alike))
    if not alike:
        return Noticed(check)
    return Noticed(
        check,
        Finding(
            f"All of the suspect's answers are those of the reference {alike[0]}. So no verdict"
            " is possible.",
            clears=False,
            accuses=False,
        ),
    )


def equal(one: Outputs, other: Outputs) -> bool:
    """Whether two models' answers are the same up to rounding."""
    if one.values.shape != other.values.shape:
        return False
    most = TOLERANCE * float(np.abs(one.values).max())
    return bool(np.allclose(one.values, other.values, rtol=0, atol=most))


def _telling(seen: Seen) -> bool:
    """Whether answers are told in such detail that two models do not give the same by chance."""
    form = seen.alike.form
    exact = not form or (form.largest is None and (form.digits or 0) >= DIGITS)
    return exact and seen.alike.kind is not Kind.LABELS


def _is(own: str | None, other: str | None) -> bool:
    return own is not None and own == other
