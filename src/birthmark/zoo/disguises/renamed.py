"""Classes, or an embedding's numbers, in another order."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from birthmark.data.outputs import Kind, Outputs
from birthmark.zoo.disguises.base import DISGUISES, Disguise


class Renamed(Disguise):
    """Answers permuted; `order` is the permutation's seed.

    An embedding is turned by a random rotation, which changes no similarity.
    """

    renames: ClassVar[bool] = True
    order: int = 0

    def said(self, outputs: Outputs) -> Outputs:
        """Permuted or turned."""
        rng = np.random.default_rng((self.order, 11))
        width = outputs.classes
        if outputs.kind is Kind.EMBEDDINGS:
            turn = np.linalg.qr(rng.standard_normal((width, width)))[0]
            values = (outputs.values @ turn).astype(np.float32)
            return Outputs(values, outputs.kind, width)
        order = rng.permutation(width)
        if outputs.kind is Kind.LABELS:
            place: NDArray[np.int64] = np.argsort(order).astype(np.int64)
            return Outputs(place[outputs.predicted()], outputs.kind, width)
        return Outputs(outputs.values[:, order].astype(np.float32), outputs.kind, width)


DISGUISES.register(r"renamed", example="renamed")(lambda: Renamed)
