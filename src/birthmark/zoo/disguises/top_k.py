"""Only the largest probabilities are told."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from birthmark.data.forms import largest
from birthmark.data.outputs import Kind, Outputs
from birthmark.zoo.disguises.base import DISGUISES, Disguise


class TopK(Disguise):
    """The `k` largest probabilities; whoever asks spreads the rest evenly over the others."""

    for_classes_only: ClassVar[bool] = True
    k: int = Field(default=3, ge=1)

    def said(self, outputs: Outputs) -> Outputs:
        """Probabilities of which all but the k largest are equal."""
        return largest(outputs.to(Kind.PROBABILITIES), min(self.k, outputs.classes))


DISGUISES.register(r"top-k", example="top-k")(lambda: TopK)
