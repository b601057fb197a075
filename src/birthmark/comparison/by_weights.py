"""Which models of a registry have weights like those in a suspect's file."""

from __future__ import annotations

from shlex import quote
from typing import NamedTuple

from birthmark.comparison.row import Row
from birthmark.registry import NEAREST, Near, Registry
from birthmark.registry.index import sampled
from birthmark.registry.weights_sketch import sketch_of_file

CLEAR = 0.3
"""Cosine of sketches from which on weights look alike; of independent ones they are near 0."""


class ByWeights(NamedTuple):
    """What came of the search.

    Attributes
    ----------
    near
        The models whose weights look like the suspect's, the nearest first.
    unread
        Why the suspect's weights could not be read, if that was tried in vain.
    among
        How many models of the registry have a sketch of their weights.
    file
        The suspect's.
    """

    near: list[Near]
    unread: str | None = None
    among: int = 0
    file: str = ""

    def said_of(self, row: Row, alpha: float) -> Row:
        """The row with what is to be said of the suspect's weights and this victim's.

        Only if few models of the registry are as near to any other: alpha / 2 of them, or none
        where there are too few for that.
        """
        rare = max(alpha / 2, 1 / (sampled(self.among) + 1))
        for one in self.near:
            if one.name == row.fingerprint and one.chance <= rare:
                said = (
                    f"its weights look like those of {row.victim}: it was made from that file, or"
                    " both began from one checkpoint. This is a hint; with both files, `birthmark"
                    f" weights {quote(row.victim)} {quote(self.file)}` says more"
                )
                return row.model_copy(update={"weights": said})
        return row if self.unread is None else row.model_copy(update={"weights": self.unread})


def by_weights(registry: Registry, suspect: str | None) -> ByWeights:
    """Look a suspect's file up; what has no weights to read has no such models."""
    numbers, error = (None, None) if suspect is None else sketch_of_file(suspect)
    if error is not None:
        return ByWeights([], f"its weights were not looked up: {error}")
    found = [] if numbers is None else registry.nearest_by_weights(numbers, NEAREST)
    near = [one for one in found if one.cosine >= CLEAR]
    return ByWeights(near, among=registry.weighed, file=suspect or "")
