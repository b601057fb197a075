"""How a suspect behind an API may be asked, and where its answers are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Limits:
    """What asking may cost, in calls, money and time.

    Attributes
    ----------
    max_calls
        The most calls to send, failed ones and those of earlier runs on the same ledger included;
        None for no limit.
    price
        What one call costs, in a currency of the user's.
    max_cost
        The most to spend, as `max_calls`; None for no limit.
    concurrency
        How many calls may be on their way at once.
    rate
        The most calls a second; None for no limit.
    timeout
        Seconds to wait for one answer.
    attempts
        How often to try one call before giving up.
    """

    max_calls: int | None = None
    price: float = 0.0
    max_cost: float | None = None
    concurrency: int = 4
    rate: float | None = None
    timeout: float = 30.0
    attempts: int = 8


@dataclass(frozen=True)
class Access:
    """Where a suspect's answers are kept, and the limits of asking it.

    Attributes
    ----------
    ledger
        An SQLite file, made if it is not there.
    limits
        See `Limits`.
    """

    ledger: Path
    limits: Limits = field(default_factory=Limits)
