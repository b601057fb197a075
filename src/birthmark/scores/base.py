"""The protocol of every score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from birthmark.outputs import Kind, Outputs
from birthmark.registry import Registry


class Score(Protocol):
    """How close a suspect is to a victim: the smaller, the closer."""

    @property
    def name(self) -> str:
        """Its name with every parameter that changes its number."""
        ...

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of answers that it compares; finer ones are turned into these first."""
        ...

    def __call__(
        self, victim: Outputs, suspects: Sequence[Outputs], references: Sequence[Outputs]
    ) -> list[float]:
        """One number for each of the suspects.

        Parameters
        ----------
        victim
            The victim's answers to n probes.
        suspects
            Answers of the models to be scored, to the same probes and of the same kind.
        references
            Answers of independent models, for scores that allow for what all models share.
        """
        ...


SCORES: Registry[Score] = Registry("score", "birthmark.scores")
