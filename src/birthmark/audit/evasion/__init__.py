"""What an evasive suspect shows: each check looks at the answers and says what it noticed."""

from birthmark.audit.evasion.base import Check, Noticed, Seen
from birthmark.audit.evasion.checks import CHECKS, noticed

__all__ = ["CHECKS", "Check", "Noticed", "Seen", "noticed"]
