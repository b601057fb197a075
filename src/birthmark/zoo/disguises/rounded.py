"""Answers rounded to few digits."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from birthmark.outputs import Kind, Outputs
from birthmark.zoo.disguises.base import DISGUISES, Disguise


class Rounded(Disguise):
    """Probabilities, or embeddings of length 1, with `digits` digits after the point."""

    digits: int = Field(default=1, ge=1, le=6)

    def said(self, outputs: Outputs) -> Outputs:
        """Rounded; logits become probabilities first."""
        if outputs.kind is Kind.EMBEDDINGS:
            lengths = np.linalg.norm(outputs.values, axis=1, keepdims=True)
            values = np.round(outputs.values / np.maximum(lengths, 1e-12), self.digits)
        else:
            outputs = outputs.to(Kind.PROBABILITIES)
            values = np.round(outputs.values, self.digits)
        return Outputs(values.astype(np.float32), outputs.kind, outputs.classes)


DISGUISES.register(r"rounded", example="rounded")(lambda: Rounded)
