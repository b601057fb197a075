"""The rounds of one call: an attempt, a wait, another, until it is settled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import stamina

from birthmark.models.remote.access import Limits
from birthmark.models.remote.errand import Errand
from birthmark.models.remote.ledger import spends_key
from birthmark.models.remote.pacing import Budget, Pacer
from birthmark.models.remote.record import Spent
from birthmark.models.remote.schema import Outcome
from birthmark.models.remote.sending import Sent, send
from birthmark.models.remote.wires import Request, Wire, wire_to
from birthmark.models.remote.writing import Ending, Writer

DOUBLINGS = 128
"""The longest wait between attempts, in those before the second."""
HELD_BACK = "held back"
AGAIN = 3.0
"""Seconds from which on a pause is told to the user."""

Tell = Callable[..., None]


class FailedError(Exception):
    """An attempt that is to be made again, perhaps after as many seconds as the API asks for."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class StoppingError(Exception):
    """Nothing new is to be sent."""


class Rounds:
    """Sends calls, as many at once and as often as the limits allow.

    A request is written down before its turn comes, so that a turn is not spent on waiting for the
    disk: as many as may be on their way, unless calls a second are limited.

    Parameters
    ----------
    writer
        To the ledger.
    limits
        See `Limits`.
    spent
        What earlier runs took.
    tell
        Takes a frame for the client.
    """

    def __init__(self, writer: Writer, limits: Limits, spent: Spent, tell: Tell) -> None:
        self.writer = writer
        self.stopping = False
        self._over = False
        self._busy = 0
        self._limits = limits
        self._tell = tell
        self._pacer = Pacer(limits.rate)
        self._budget = Budget(limits, spent)
        ahead = 0 if limits.rate else limits.concurrency
        self._written = asyncio.Semaphore(limits.concurrency + ahead)
        self._turns: asyncio.LifoQueue[Wire | None] = asyncio.LifoQueue()
        for _ in range(limits.concurrency):
            self._turns.put_nowait(None)
        stamina.instrumentation.set_on_retry_hooks([])

    async def run(self, errand: Errand, rows: dict[int, Errand]) -> None:
        """Bring one call to its end; `rows` gets the errand while its answer is judged."""
        try:
            await self._attempt(errand, rows)
        except FailedError as error:
            await self._again(errand, rows, error)
        except StoppingError:
            pass

    async def _again(
        self, errand: Errand, rows: dict[int, Errand], failure: FailedError | None
    ) -> None:
        """Make further attempts after a first failure."""
        limits = self._limits
        rounds = stamina.retry_context(
            on=_backoff,
            attempts=limits.attempts,
            timeout=None,
            wait_initial=limits.backoff,
            wait_jitter=limits.backoff,
            wait_max=limits.backoff * DOUBLINGS,
        )
        try:
            async for attempt in rounds:
                with attempt:
                    if failure is not None:
                        first, failure = failure, None
                        raise first
                    await self._attempt(errand, rows)
        except FailedError as error:
            self._tell({"op": "gave-up", "number": errand.number, "reason": str(error)})
        except StoppingError:
            pass

    async def _attempt(self, errand: Errand, rows: dict[int, Errand]) -> None:
        try:
            request = errand.request()
        except ValueError as error:
            self._fatal(errand, str(error))
            raise StoppingError from error
        sent, row = await self._sent(errand, request)
        ending = sent.ending
        if sent.wait is not None and sent.everyone:
            self._pacer.pause(sent.wait)
            if sent.wait >= AGAIN:
                self._tell({"op": "pause", "seconds": sent.wait})
        if ending.outcome is Outcome.RECEIVED:
            verdict = self._verdict(errand, row, ending, rows)
            self._tell_over()
            outcome, reason = await verdict
            if outcome != Outcome.FAILED:
                return
            errand.used += spends_key(ending.status)
            raise FailedError(reason or "its answer was of no use")
        errand.used += ending.outcome is Outcome.FAILED and spends_key(ending.status)
        if sent.final:
            self._fatal(errand, ending.reason or "")
            raise StoppingError
        self._tell_over()
        raise FailedError(ending.reason or "", sent.wait)

    async def _sent(self, errand: Errand, request: Request) -> tuple[Sent, int]:
        """Write a request down, send it, and record how it ended."""
        while True:
            async with self._written:
                await self._pacer.turn()
                if self.stopping:
                    raise StoppingError
                if self._over or not self._budget.take():
                    self._over = True
                    self._tell_over()
                    raise StoppingError
                errand.busy = True
                self._busy += 1
                try:
                    row = await self.writer.intend(errand.intent(request, self._limits.price))
                    sent = await self._turn(request, errand.secrets)
                    if sent.ending.outcome is Outcome.UNSENT:
                        self._budget.give_back()
                    await self.writer.end(row, sent.ending)
                finally:
                    errand.busy = False
                    self._busy -= 1
                if sent.ending.reason != HELD_BACK:
                    return sent, row

    def _tell_over(self) -> None:
        """Tell that the budget is used up, once what was sent within it is recorded."""
        if self._over and not self._busy:
            self._tell({"op": "budget"})

    async def _turn(self, request: Request, secrets: Sequence[str]) -> Sent:
        """Send a request when a connection is free."""
        wire = await self._turns.get()
        try:
            if self.stopping or self._pacer.paused:
                return Sent(Ending(Outcome.UNSENT, HELD_BACK))
            wire = wire or wire_to(request.url)
            return await send(wire, request, self._limits.timeout, secrets)
        finally:
            self._turns.put_nowait(wire)

    def _verdict(
        self, errand: Errand, row: int, ending: Ending, rows: dict[int, Errand]
    ) -> asyncio.Future[tuple[str, str | None]]:
        """Ask the client what an answer is worth."""
        errand.verdict = asyncio.get_running_loop().create_future()
        rows[row] = errand
        fields: dict[str, Any] = {"op": "reply", "number": errand.number, "row": row}
        self._tell(fields | {"status": ending.status}, ending.answer or b"")
        if self.stopping:
            raise StoppingError
        return errand.verdict

    def _fatal(self, errand: Errand, reason: str) -> None:
        self.stopping = True
        self._tell({"op": "fatal", "number": errand.number, "reason": reason})


def _backoff(error: Exception) -> bool | float:
    """Whether to try again, and after how many seconds if the API says."""
    if not isinstance(error, FailedError):
        return False
    return True if error.wait is None else error.wait
