"""How a suspect behind an API may be asked, and where its answers are kept."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from birthmark.common.errors import BirthmarkError

MOST_AT_ONCE = 32
"""The largest concurrency: what one process sends and records without slowing down."""


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
        How many calls may be on their way at once, 1 to 32.
    rate
        The most calls a second; None for no limit.
    timeout
        Seconds to wait for one whole answer.
    attempts
        How often to try one call in one run before giving up.
    backoff
        Seconds to wait before the second attempt, unless the API says how long; twice as many
        before each next one, and as many again by chance.

    Raises
    ------
    BirthmarkError
        If a number is out of its range.
    """

    max_calls: int | None = None
    price: float = 0.0
    max_cost: float | None = None
    concurrency: int = 4
    rate: float | None = None
    timeout: float = 30.0
    attempts: int = 8
    backoff: float = 0.5

    def __post_init__(self) -> None:
        for name, low, high in (
            ("max_calls", 0, 1e9),
            ("price", 0, 1e9),
            ("max_cost", 0, 1e12),
            ("concurrency", 1, MOST_AT_ONCE),
            ("rate", 1e-4, 1e6),
            ("timeout", 1e-2, 3600),
            ("attempts", 1, 100),
            ("backoff", 0, 600),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise BirthmarkError(
                    name.replace("_", "-"), f"is {value}", f"pass {low:g} to {high:g}"
                )
        if self.max_cost is not None and not self.price:
            raise BirthmarkError("max-cost", "is stated without a price", "state what a call costs")


@dataclass(frozen=True)
class Access:
    """Where a suspect's answers are kept, and the limits of asking it.

    Attributes
    ----------
    ledger
        An SQLite file, made if it is not there.
    limits
        See `Limits`.
    environment
        Variables of the environment that a file which describes an API may send: `NAME`, or
        `NAME@HOST` for one host.
    """

    ledger: Path
    limits: Limits = field(default_factory=Limits)
    environment: tuple[str, ...] = ()


def loopback(host: str) -> bool:
    """Whether a host is this machine, so that nothing sent there can be read on the way."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
