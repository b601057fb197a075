"""When the next call may be sent, and whether it may be at all."""

from __future__ import annotations

import asyncio

from birthmark.models.remote.access import Limits
from birthmark.models.remote.record import Spent

CENT = 1e-9


class Pacer:
    """A rate limit (token bucket), and pauses that the API asked for.

    Parameters
    ----------
    rate
        Calls a second at most; None for no limit. As many as fit in a second, one at least, may
        go at once.
    """

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._room = max(1.0, rate) if rate else 1.0
        self._tokens = 1.0
        self._loop = asyncio.get_running_loop()
        self._at = self._until = self._loop.time()

    def pause(self, seconds: float) -> None:
        """Let nobody send for a time."""
        self._until = max(self._until, self._loop.time() + seconds)

    @property
    def paused(self) -> bool:
        """Whether nobody may send now."""
        return self._loop.time() < self._until

    async def turn(self) -> None:
        """Wait until a call may be sent."""
        while (wait := self._missing()) > 0:
            await asyncio.sleep(wait)
        self._tokens -= 1.0

    def _missing(self) -> float:
        now = self._loop.time()
        if now < self._until:
            return self._until - now
        if self._rate is None:
            self._tokens = 1.0
            return 0.0
        self._tokens = min(self._room, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, (1.0 - self._tokens) / self._rate)


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
