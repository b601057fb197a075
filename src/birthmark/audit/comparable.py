"""Bringing answers to what can be compared."""

from __future__ import annotations

from dataclasses import dataclass

from birthmark.bundle import Bundle
from birthmark.common.errors import BirthmarkError
from birthmark.data.forms import Form, form_of
from birthmark.data.outputs import Kind, Outputs, common_classes
from birthmark.models.adapters.base import Answered
from birthmark.scores.correlation import similarities
from birthmark.scores.methods import common_kind, method

LEAST = 2
"""Fewer answers have no correlation."""


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


def comparable(bundle: Bundle, given: Answered) -> tuple[Bundle, Outputs]:
    """What can be compared of a fingerprint and a suspect that may have refused probes.

    Probes that belong together are left out together.

    Parameters
    ----------
    bundle
        The fingerprint, with the probes that were asked.
    given
        What the suspect answered.

    Returns
    -------
    Bundle
        With the probes that were answered.
    Outputs
        The suspect's answers to these.

    Raises
    ------
    BirthmarkError
        If too few were answered, or a reference image was not.
    """
    score = method(bundle.manifest.method).score
    lost = {i // score.block for i in given.refused}
    places = [i for i in given.places if i // score.block not in lost]
    needed = score.reference_images
    missing = sorted(i for i in given.refused if i < needed)
    if missing or len(places) < needed + LEAST:
        told = missing or sorted(given.refused)
        raise BirthmarkError(
            "answers",
            f"{len(given.refused)} of {given.asked} probes were refused, first"
            f" {bundle.probes[told[0]].name} ({given.refused[told[0]]}),"
            f" {'a reference image' if missing else f'and {len(places)} can be compared'}",
            "use other probes, or ask the service why",
        )
    row = {place: i for i, place in enumerate(given.places)}
    return bundle.subset(places), given.outputs.at([row[place] for place in places])


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
    if kind is Kind.SIMILARITIES:
        brought = [similarities(one, score.reference_images) for one in outputs]
    else:
        brought = common_classes([one.to(kind) for one in outputs])
    form = form_of(brought[1])
    brought = [form.of(one) for one in brought]
    return Compared(kind, form, brought[0], brought[1], brought[2:])
