"""Only the largest probabilities are told."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from birthmark.outputs import Kind, Outputs
from birthmark.zoo.disguises.base import DISGUISES, Disguise


class TopK(Disguise):
    """The `k` largest probabilities; whoever asks spreads the rest evenly over the others."""

    for_classes_only: ClassVar[bool] = True
    k: int = Field(default=3, ge=1)

    def said(self, outputs: Outputs) -> Outputs:
        """Probabilities of which all but the k largest are equal."""
        values = outputs.to(Kind.PROBABILITIES).values.astype(np.float32)
        if self.k < values.shape[1]:
            order = np.argsort(-values, axis=1, kind="stable")
            rest = order[:, self.k :]
            mean = np.take_along_axis(values, rest, 1).mean(axis=1, keepdims=True)
            np.put_along_axis(values, rest, mean, 1)
        return Outputs(values, Kind.PROBABILITIES, outputs.classes)


DISGUISES.register(r"top-k", example="top-k")(lambda: TopK)
