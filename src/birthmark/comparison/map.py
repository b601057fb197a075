"""Models as points in a plane."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from birthmark.audit.verdict import Verdict

POOR = 0.2
"""Kruskal's word for a stress above this."""


class Point(BaseModel):
    """A model on a map: role is victim, suspect or reference."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    role: str
    verdict: Verdict | None
    x: float
    y: float


class Map(BaseModel):
    """Who is close to whom among the models of one fingerprint.

    Attributes
    ----------
    fingerprint
        Its file.
    points
        The models; distances in the plane follow those of the score as well as they can.
    stress
        How badly they do: 0 is exact, above 0.2 is poor (Kruskal's stress-1).
    note
        That suspects which are closer to the victim than every reference are as close to each
        other; None if none are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    points: list[Point]
    stress: float
    note: str | None = None

    @property
    def distorts(self) -> bool:
        """Whether distances on the map say too little of those of the score."""
        return self.stress > POOR
