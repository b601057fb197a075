"""What an evasive suspect shows: each check looks at the answers and says what it noticed."""

from birthmark.evasion.base import Check, Noticed, Seen
from birthmark.evasion.checks import CHECKS, noticed

__all__ = ["CHECKS", "Check", "Noticed", "Seen", "noticed"]
