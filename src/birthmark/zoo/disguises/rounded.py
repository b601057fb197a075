"""Answers rounded to few digits."""

from __future__ import annotations

from pydantic import Field

from birthmark.data.forms import rounded
from birthmark.data.outputs import Kind, Outputs
from birthmark.zoo.disguises.base import DISGUISES, Disguise


class Rounded(Disguise):
    """Probabilities, or embeddings of length 1, with `digits` digits after the point."""

    digits: int = Field(default=1, ge=1, le=6)

    def said(self, outputs: Outputs) -> Outputs:
        """Rounded; logits become probabilities first."""
        if outputs.kind is not Kind.EMBEDDINGS:
            outputs = outputs.to(Kind.PROBABILITIES)
        return rounded(outputs, self.digits)


DISGUISES.register(r"rounded", example="rounded")(lambda: Rounded)
