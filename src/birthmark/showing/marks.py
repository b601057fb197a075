"""How verdicts and surroundings look."""

from __future__ import annotations

from typing import NamedTuple


class Mark(NamedTuple):
    """A verdict's shape as text and as a matplotlib marker, its colours, and if it is filled.

    Colours are of Okabe and Ito's palette, so that people tell them apart who see few; shapes
    differ as well.
    """

    text: str
    marker: str
    colour: str
    in_the_dark: str
    filled: bool


MARKS = {
    "derived": Mark("▲", "^", "#d55e00", "#ff9a5c", True),
    "inconclusive": Mark("◆", "D", "#8a6d00", "#e3c04d", True),
    "independent": Mark("□", "s", "#0072b2", "#6cbdf2", False),
}
"""By verdict."""


class Look(NamedTuple):
    """Colours of what surrounds the marks."""

    dark: bool
    paper: str
    ink: str
    grey: str
    pale: str

    def colour(self, verdict: str) -> str:
        """A verdict's."""
        mark = MARKS[verdict]
        return mark.in_the_dark if self.dark else mark.colour


LIGHT = Look(dark=False, paper="#ffffff", ink="#222222", grey="#6b6b6b", pale="#e4e4e4")
DARK = Look(dark=True, paper="#17171a", ink="#ececf0", grey="#a9a9b2", pale="#3a3a41")
