"""Answers compared probe by probe."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from birthmark.data.outputs import Kind, Outputs
from birthmark.scores.base import SCORES, Apart
from birthmark.scores.correlation import units


class PointwiseCosine(Apart):
    """Mean over the probes of 1 - cos(victim's answer, suspect's answer).

    Source: QuRD, arXiv 2412.13021, its baseline of raw outputs.
    """

    name = "pointwise-cosine"
    kinds = (Kind.LOGITS, Kind.PROBABILITIES)
    lines_up = True

    def distances(self, victim: Outputs, models: Sequence[Outputs]) -> list[float]:
        """0 to 2."""
        mine = units(victim).rows
        return [1 - float(np.einsum("ij,ij->i", mine, units(m).rows).mean()) for m in models]


SCORES.register(r"pointwise-cosine", example="pointwise-cosine")(PointwiseCosine)
