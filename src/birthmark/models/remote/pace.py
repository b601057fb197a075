"""When the next call may be sent, and whether it may be at all."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from birthmark.models.remote.access import Limits
from birthmark.models.remote.record import Spent

CENT = 1e-9
LONGEST_WAIT = 600.0


class Pace:
    """A rate limit (token bucket), and pauses that the API asked for.

    Parameters
    ----------
    rate
        Calls a second at most; None for no limit. As many as fit in a second, one at least, may
        go at once.
    clock
        Tells the time in seconds.
    """

    def __init__(self, rate: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._room = max(1.0, rate or 1.0)
        self._tokens = 1.0
        self._clock = clock
        self._at = self._until = clock()

    def pause(self, seconds: float) -> None:
        """Let nobody send for a time."""
        self._until = max(self._until, self._clock() + seconds)

    @property
    def paused(self) -> float:
        """For how many seconds nobody may send."""
        return max(0.0, self._until - self._clock())

    def wait(self) -> float:
        """Seconds until a call may be sent; 0 for now."""
        if self._rate is None or self.paused:
            return self.paused
        now = self._clock()
        self._tokens = min(self._room, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, (1.0 - self._tokens) / self._rate)

    def take(self) -> None:
        """Count a call that is sent now."""
        self._tokens -= 1.0


class Budget:
    """What may still be sent, counted from all that the ledger holds.

    Parameters
    ----------
    limits
        What the user allows.
    spent
        What earlier runs took.
    """

    def __init__(self, limits: Limits, spent: Spent) -> None:
        self._limits = limits
        self._calls = spent.calls
        self._cost = spent.cost

    def take(self) -> bool:
        """Count one call, if it may be sent."""
        limits = self._limits
        if limits.max_calls is not None and self._calls + 1 > limits.max_calls:
            return False
        if limits.max_cost is not None and self._cost + limits.price > limits.max_cost + CENT:
            return False
        self._calls += 1
        self._cost += limits.price
        return True

    def give_back(self) -> None:
        """Take back a call that was not sent after all."""
        self._calls -= 1
        self._cost -= self._limits.price


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for, a number or an HTTP date; 10 minutes at most.

    None without one, or if it is neither.
    """
    text = (value or "").strip()
    try:
        if text.isascii() and text.isdigit():
            seconds = float(text[:9])
        else:
            moment = parsedate_to_datetime(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)
