"""Bringing answers to what can be compared."""

from __future__ import annotations

from dataclasses import dataclass

from birthmark.bundle import Bundle
from birthmark.correlation import similarities
from birthmark.forms import Form, form_of
from birthmark.methods import common_kind, method
from birthmark.outputs import Kind, Outputs


@dataclass(frozen=True)
class Compared:
    """All answers as one kind and in one form, so that like is compared with like.

    Similarities are without the reference images' own.
    """

    kind: Kind
    form: Form
    victim: Outputs
    suspect: Outputs
    references: list[Outputs]


def compared(bundle: Bundle, suspect: Outputs) -> Compared:
    """Bring the victim's, the suspect's and the references' answers to one kind and form.

    Raises
    ------
    BirthmarkError
        If there is none that the method compares and all can be brought to.
    """
    outputs = [bundle.victim, suspect, *bundle.references]
    score = method(bundle.manifest.method).score
    kind = common_kind([one.kind for one in outputs], score)
    classes = max(one.classes for one in outputs)
    if kind is Kind.SIMILARITIES:
        brought = [similarities(one, score.reference_images) for one in outputs]
    else:
        brought = [one.to(kind) for one in outputs]
    if kind is Kind.LABELS:
        brought = [Outputs(one.values, kind, classes) for one in brought]
    form = form_of(brought[1])
    brought = [form.of(one) for one in brought]
    return Compared(kind, form, brought[0], brought[1], brought[2:])
