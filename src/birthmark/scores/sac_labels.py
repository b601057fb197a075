"""Sample correlation of labels alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from birthmark.data.outputs import Kind, Outputs
from birthmark.scores.base import SCORES, Apart
from birthmark.scores.correlation import Correlation
from birthmark.scores.sac import Sac


class SacLabels(Apart):
    """`sac-cosine-l1` of the predicted classes, even where a model tells more.

    A thief who learnt from labels is as sure of its answers as its own training made it, not as
    the victim is; their logits may correlate otherwise although their labels agree.

    Source: SAC, arXiv 2210.15427, its label-only setting: softmax of a one-hot vector with 0.01
    elsewhere; SAC-JC's sweep of label smoothing, 0 to 0.5.

    Parameters
    ----------
    smoothing
        Percent of the whole that is spread over all classes, 0 to 99; without it, the published
        softmax. Whatever it is, the matrix says which probes share a label, times a constant that
        depends on the number of classes, so it moves no model's rank.
    """

    kinds = (Kind.LABELS,)

    def __init__(self, *, smoothing: str | None = None) -> None:
        self.smoothing = None if smoothing is None else int(smoothing)

    @property
    def name(self) -> str:
        """`sac-labels-l1` or `sac-labels-smooth<percent>-l1`."""
        middle = "" if self.smoothing is None else f"-smooth{self.smoothing}"
        return f"sac-labels{middle}-l1"

    def distances(self, victim: Outputs, models: Sequence[Outputs]) -> list[float]:
        """Distances of the same-label matrices, 0 to 1."""
        one, others = self._form(victim), [self._form(model) for model in models]
        return Sac(correlation=Correlation.COSINE).distances(one, others)

    def _form(self, outputs: Outputs) -> Outputs:
        if self.smoothing is None:
            return outputs
        share = self.smoothing / 100
        rows = np.full((len(outputs), outputs.classes), share / outputs.classes, np.float32)
        rows[np.arange(len(outputs)), outputs.predicted()] += 1 - share
        return Outputs(rows, Kind.PROBABILITIES, outputs.classes)


SCORES.register(r"sac-labels(?:-smooth(?P<smoothing>[1-9]?\d))?-l1", example="sac-labels-l1")(
    SacLabels
)
