"""Sample correlation (SAC, SAC-JC)."""

from __future__ import annotations

from collections.abc import Sequence

from birthmark.correlation import Correlation, mean_absolute_differences, units
from birthmark.outputs import Kind, Outputs
from birthmark.scores.base import SCORES


class Sac:
    """Mean absolute difference between two models' correlation matrices.

    Source: SAC, arXiv 2210.15427, section 3; SAC-JC, arXiv 2412.20768.

    Parameters
    ----------
    correlation
        `cosine`, `halfcosine` or `rbf`.
    """

    kinds = tuple(Kind)

    def __init__(self, *, correlation: str) -> None:
        self.correlation = Correlation(correlation)

    @property
    def name(self) -> str:
        """`sac-<correlation>-l1`."""
        return f"sac-{self.correlation}-l1"

    def __call__(
        self,
        victim: Outputs,
        suspects: Sequence[Outputs],
        references: Sequence[Outputs],  # noqa: ARG002
    ) -> list[float]:
        """The distances; they do not depend on the references."""
        others = [units(suspect) for suspect in suspects]
        return mean_absolute_differences(units(victim), others, self.correlation)


SCORES.register(r"sac-(?P<correlation>cosine|halfcosine|rbf)-l1", example="sac-cosine-l1")(Sac)
