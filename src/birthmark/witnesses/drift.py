"""Whether a model still answers as it did when it was enrolled."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from birthmark.bundle import Bundle
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Progress, silent
from birthmark.data.outputs import Kind
from birthmark.models.adapters import Suspect
from birthmark.models.queries import ask_some

TOLERANCE = 1e-3
"""Of the largest number that was recorded: what another machine may make of the same model."""


class Drift(BaseModel):
    """How a model's answers to a fingerprint's probes compare with those of its enrolment.

    Attributes
    ----------
    asked, refused
        Probes that were put to it, and how many of these it refused.
    moved
        How many answers have other numbers, by more than 1/1000 of the largest.
    labels
        How many name another class; None for answers without classes.
    largest
        The largest change of a number; of labels 0 or 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    asked: int
    refused: int
    moved: int
    labels: int | None
    largest: float

    @property
    def equal(self) -> bool:
        """Whether nothing moved."""
        return not self.moved and not self.refused

    @property
    def sentence(self) -> str:
        """What came of it."""
        if self.equal:
            return f"Unchanged: all {self.asked} answers are the same as at enrolment."
        said = f"Changed: {self.moved} of {self.asked - self.refused} answers moved"
        if self.labels is not None:
            said += f", {self.labels} of them to another class"
        said += f"; the largest change in a number is {self.largest:.3g}."
        return said + (f" {self.refused} probes were refused." if self.refused else "")


def drift(bundle: Bundle, model: Suspect, progress: Progress = silent) -> Drift:
    """Put a fingerprint's probes to the model that was enrolled, and compare.

    Raises
    ------
    BirthmarkError
        If it fails, answers nothing, or otherwise than what was enrolled: another kind, or another
        number of classes.
    """
    given = ask_some(model, bundle.probes, progress)
    before, now = bundle.victim.at(given.places), given.outputs
    name = model.description.name
    if not len(now):
        raise BirthmarkError(name, "refused all probes", "check its address and its key")
    if now.kind is not before.kind and before.kind.tells_classes and now.kind.tells_classes:
        raise BirthmarkError(
            name,
            f"answers with {now.kind}, but {before.kind} were enrolled",
            "ask it the way it was asked then",
        )
    if now.values.shape != before.values.shape:
        raise BirthmarkError(
            name,
            f"answers with {now.values.shape[1:]} numbers, but {before.values.shape[1:]} were"
            " enrolled",
            "ask it the way it was asked then",
        )
    apart = np.abs(now.values.astype(np.float64) - before.values.astype(np.float64))
    if now.kind is Kind.LABELS:
        apart = (apart > 0).astype(np.float64)
    each = apart.reshape(len(now), -1).max(axis=1)
    allowed = 0.0 if now.kind is Kind.LABELS else TOLERANCE * float(np.abs(before.values).max())
    labels = None
    if now.kind.tells_classes:
        labels = int((now.predicted() != before.predicted()).sum())
    return Drift(
        asked=given.asked,
        refused=len(given.refused),
        moved=int((each > allowed).sum()),
        labels=labels,
        largest=float(each.max()),
    )
