"""How often a pair's second image changes the label."""

from __future__ import annotations

from collections.abc import Sequence

from birthmark.data.outputs import Kind, Outputs
from birthmark.scores.base import SCORES, Apart


class Robustness(Apart):
    """Difference between two models' shares of pairs that keep their label.

    Probes are consecutive pairs of an image and an adversarial version of it.

    Source: DeepJudge, arXiv 2112.05588, section IV, its black-box metric RobD; the label that must
    be kept is the model's own on the first image, so that the classes may be called otherwise.
    """

    name = "robustness"
    kinds = (Kind.LABELS,)
    block = 2

    def distances(self, victim: Outputs, models: Sequence[Outputs]) -> list[float]:
        """0 to 1."""
        return [abs(_kept(model) - _kept(victim)) for model in models]


def _kept(outputs: Outputs) -> float:
    labels = outputs.predicted()
    return float((labels[0::2] == labels[1::2]).mean())


SCORES.register(r"robustness", example="robustness")(Robustness)
