"""Local linear models compared (Zest)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.outputs import Kind, Outputs
from birthmark.probes.lime import masks
from birthmark.scores.base import SCORES, Apart
from birthmark.scores.correlation import unit


class Lime(Apart):
    """1 - cosine of two models' signatures: the weights of linear models of their answers.

    Probes are groups of masked versions of one image (`lime<segments>x<versions>`). For each one a
    linear model is fitted by least squares from the masks to the class probabilities; the
    signature holds all its weights, for all images.

    Source: Zest (Jia et al., "A Zest of LIME", ICLR 2022), section 3, with its cosine distance.

    Parameters
    ----------
    segments, versions
        As in the name of the probes.
    """

    kinds = (Kind.PROBABILITIES, Kind.LABELS)
    lines_up = True

    def __init__(self, *, segments: str, versions: str) -> None:
        self.segments, self.block = int(segments), int(versions)
        seen = masks(self.segments, self.block)
        design = np.column_stack([np.ones(self.block), seen.astype(np.float64)])
        self._fit: NDArray[np.float64] = np.linalg.pinv(design)[1:]

    @property
    def name(self) -> str:
        """`lime<segments>x<versions>`."""
        return f"lime{self.segments}x{self.block}"

    def distances(self, victim: Outputs, models: Sequence[Outputs]) -> list[float]:
        """0 to 2; 1 for a model whose answers do not depend on the masks."""
        if any(model.classes != victim.classes for model in models):
            raise BirthmarkError(
                "labels",
                f"have {sorted({m.classes for m in models})} classes, but the victim's have"
                f" {victim.classes}",
                "use a method that compares correlations, such as sac-jc",
            )
        mine = self._signature(victim)
        return [1 - float(mine @ self._signature(model)) for model in models]

    def _signature(self, outputs: Outputs) -> NDArray[np.float64]:
        rows = outputs.favour() if outputs.kind is Kind.LABELS else outputs.values
        groups = len(rows) // self.block
        answers = rows[: groups * self.block].reshape(groups, self.block, -1).astype(np.float64)
        signature: NDArray[np.float64] = (self._fit @ answers).ravel()
        return unit(signature)


SCORES.register(r"lime(?P<segments>\d+)x(?P<versions>\d+)", example="lime16x40")(Lime)
