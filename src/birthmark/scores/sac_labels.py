"""Sample correlation of labels alone."""

from __future__ import annotations

from collections.abc import Sequence

from birthmark.correlation import Correlation
from birthmark.outputs import Kind, Outputs
from birthmark.scores.base import SCORES
from birthmark.scores.sac import Sac


class SacLabels:
    """`sac-cosine-l1` of the predicted classes, even where a model tells more.

    A thief who learnt from labels is as sure of its answers as its own training made it, not as
    the victim is; their logits may correlate otherwise although their labels agree.

    Source: SAC, arXiv 2210.15427, its label-only setting.
    """

    name = "sac-labels-l1"
    kinds = (Kind.LABELS,)

    def __call__(
        self, victim: Outputs, suspects: Sequence[Outputs], references: Sequence[Outputs]
    ) -> list[float]:
        """Distances of the same-label matrices; they do not depend on the references."""
        return Sac(correlation=Correlation.COSINE)(victim, suspects, references)


SCORES.register(r"sac-labels-l1", example="sac-labels-l1")(SacLabels)
