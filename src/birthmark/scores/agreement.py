"""Same label or not."""

from __future__ import annotations

from collections.abc import Sequence

from birthmark.data.outputs import Kind, Outputs
from birthmark.scores.base import SCORES, Apart


class Agreement(Apart):
    """Share of probes that get another label than the victim's.

    On images that the victim misses it is AKH (QuRD, arXiv 2412.13021), on boundary points the
    matching rate of IPGuard (arXiv 1910.12903), on conferrable examples that of CAE
    (arXiv 1912.00888), on triggered images of an entangled victim the success of its watermark
    (EWE, arXiv 2002.12200).
    """

    name = "agreement"
    kinds = (Kind.LABELS,)
    lines_up = True

    def distances(self, victim: Outputs, models: Sequence[Outputs]) -> list[float]:
        """0 to 1."""
        mine = victim.predicted()
        return [float((model.predicted() != mine).mean()) for model in models]


SCORES.register(r"agreement", example="agreement")(Agreement)
