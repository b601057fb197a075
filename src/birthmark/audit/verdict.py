"""What an audit concludes, in a word."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What an audit concludes."""

    DERIVED = "derived"
    """Closer to the victim than independent models are, at the stated false-positive rate."""
    INDEPENDENT = "independent"
    """No closer to the victim than a typical independent model is, where a copy would be."""
    INCONCLUSIVE = "inconclusive"
    """Neither can be said."""
