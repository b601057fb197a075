"""Answers that change from one asking to the next, or with the file's format."""

from __future__ import annotations

import numpy as np

from birthmark.audit.evasion.base import Check, Noticed, Seen
from birthmark.audit.findings import Finding
from birthmark.audit.repeats import Again, Time
from birthmark.data.forms import form_of
from birthmark.data.outputs import Kind, Outputs, joined

LIMIT = 0.01
"""Of the spread between answers to different probes: processors and batches give 0.0001."""
PNG_LIMIT = 0.1
"""The same for PNG: decoders that differ by a level give a tenth of it (benchmarks/evasion.md)."""
PNG_LABELS = 0.25
"""One label of four may turn with a level."""
RELATIVE, ABSOLUTE = 1e-4, 1e-7
"""Probabilities that differ by less are the same: that is what rounding in a processor does."""
MORE = 3.0
"""Drift is so many times what changes at once; less is noise."""
MOST = 100.0
UNCHECKED = "The suspect gives the same answer whenever it is asked"


def noise(seen: Seen) -> Noticed:
    """Whether answers change when a probe is asked again, at once or not much more at the end."""
    again, at_end = seen.again.get(Time.AT_ONCE), seen.again.get(Time.AT_THE_END)
    if again is None or again.failed is not None:
        return _unchecked("noise", LIMIT, again)
    if at_end is not None and at_end.failed is None:
        later = change(at_end, _told(seen))
        at_once = change(again, _told(seen))
        again = at_end if at_once < later <= MORE * at_once else again
    return _compared(
        "noise",
        seen,
        again,
        LIMIT,
        f"When {len(again.after)} probes were asked again, the suspect's answers changed by"
        " {share} of the spread between different probes: it adds noise, or its answers are"
        " partly random. So it cannot be called independent.",
    )


def drift(seen: Seen) -> Noticed:
    """Whether answers that did not change at once have changed at the end."""
    again, at_once = seen.again.get(Time.AT_THE_END), seen.again.get(Time.AT_ONCE)
    if again is None or again.failed is not None:
        return _unchecked("drift", LIMIT, again)
    before = 0.0 if at_once is None else change(at_once, _told(seen))
    measured = change(again, _told(seen))
    if before > LIMIT or LIMIT < measured <= MORE * before:
        return Noticed(Check(name="drift", measured=measured, limit=LIMIT, noticed=None))
    return _compared(
        "drift",
        seen,
        again,
        LIMIT,
        "Between the beginning and the end of the audit, the suspect's answers to"
        f" {len(again.after)} probes changed by {{share}} of the spread between different probes:"
        " the model was replaced, or it reacts to being queried. So the answers are not those of"
        " one model, and no verdict is possible.",
        accuses=False,
    )


def png(seen: Seen) -> Noticed:
    """Whether the same pixels get another answer in a file without loss."""
    again = seen.again.get(Time.AS_PNG)
    limit = PNG_LABELS if seen.answers.kind is Kind.LABELS else PNG_LIMIT
    if again is None:
        return Noticed(Check(name="png", limit=limit, noticed=None))
    if again.failed is not None or not len(again.after):
        why = again.failed or "it refused them"
        return Noticed(
            Check(name="png", limit=limit, noticed=None),
            assumed=f"The suspect answers the same pixels alike whatever the file's format. This"
            f" was not checked ({why}).",
        )
    return _compared(
        "png",
        seen,
        again,
        limit,
        f"When the same pixels were sent as PNG, the suspect's answers to {len(again.after)}"
        f" probes changed by {{share}} of the spread between different probes: it treats JPEG"
        " files differently, or decodes them in another way. So it cannot be called independent.",
    )


def change(again: Again, told: Outputs) -> float:
    """How far second answers are from the first, as a share of the spread between probes.

    Root mean squares of the classes' favour; of labels, the share of the probes that got another.
    What rounding explains is no change.

    Parameters
    ----------
    again
        Both answers to some probes.
    told
        The answers to all probes.

    Returns
    -------
    float
        0 for none; about 1.4 where the two have nothing to do with each other; at most 100.
    """
    before, after = again.before, again.after
    if not len(before):
        return 0.0
    if (before.kind, before.values.shape) != (after.kind, after.values.shape):
        return MOST
    if told.kind is Kind.LABELS:
        return float((before.values != after.values).mean())
    n = len(before)
    rows = joined([before, after, told]).favour()
    differing = np.abs(before.values - after.values) > _rounding(before, after, told)
    moved = np.where(differing, rows[:n] - rows[n : 2 * n], 0)
    spread = rows[2 * n :] - rows[2 * n :].mean(axis=0)
    most = float(np.sqrt((moved**2).sum(axis=1).mean()))
    return min(MOST, most / max(float(np.sqrt((spread**2).sum(axis=1).mean())), most / MOST, 1e-12))


def _rounding(before: Outputs, after: Outputs, told: Outputs) -> np.ndarray:
    """How far apart two answers may be by rounding alone."""
    if told.kind is Kind.LOGITS:
        return np.zeros(before.values.shape)
    form = form_of(told)
    if form.step is not None:
        return np.full(before.values.shape, 1.01 * form.step * float(told.values.std()))
    digits = form.digits
    larger = np.maximum(np.abs(before.values), np.abs(after.values))
    return RELATIVE * larger + (ABSOLUTE if digits is None else 1.01 * 10.0**-digits)


def _told(seen: Seen) -> Outputs:
    """The answers to all probes; of similarities, without the reference images' own."""
    told = seen.given.outputs
    return told.after(told.classes) if told.kind is Kind.SIMILARITIES else told


def _compared(
    name: str, seen: Seen, again: Again, limit: float, text: str, *, accuses: bool = True
) -> Noticed:
    measured = change(again, _told(seen))
    told = measured > limit
    finding = Finding(text.format(share=f"{measured:.2g}"), clears=False, accuses=accuses)
    if not told and again.refused:
        told = True
        finding = Finding(
            f"The suspect refused {again.refused} probes that it had answered before"
            f" ({_WHEN[name]}). So it cannot be called independent.",
            clears=False,
        )
    check = Check(name=name, measured=measured, limit=limit, noticed=told)
    return Noticed(check, finding if told else None)


_WHEN = {"noise": "at once", "drift": "at the end", "png": "as PNG"}


def _unchecked(name: str, limit: float, again: Again | None) -> Noticed:
    check = Check(name=name, limit=limit, noticed=None)
    if again is None:
        whole = f"{UNCHECKED}. This was not checked, since no probe was asked again."
        return Noticed(check, assumed=whole if name == "noise" else None)
    return Noticed(
        check,
        Finding(
            f"Probes could not be asked again {_WHEN[name]} ({again.failed}). So it cannot be"
            " called independent.",
            clears=False,
        ),
    )
