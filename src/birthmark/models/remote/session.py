"""One run of calls: what is sent and when, what the answers are worth, when to stop."""

from __future__ import annotations

import asyncio
import heapq
import math
import random
import sqlite3
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import httpx

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Progress
from birthmark.models.remote.access import Access
from birthmark.models.remote.call import Answerless, Call, Reply, Unusable
from birthmark.models.remote.exchange import build, client_to, send
from birthmark.models.remote.ledger import Ledger, suspect_digest
from birthmark.models.remote.mask import secrets_of
from birthmark.models.remote.pace import Budget, Pace
from birthmark.models.remote.record import Ending, spends_key
from birthmark.models.remote.schema import SETTLED, Outcome
from birthmark.models.remote.statuses import Meaning, fix_of, meaning, said
from birthmark.models.remote.writer import Writer

FIRST = 8
"""So many answers of no use, and none of use, and asking is stopped as pointless."""
DOUBLINGS = 128
"""The longest wait between attempts, in those before the second."""
SPACE = 0.002
"""Seconds between two requests: of answers that come in a crowd each waits for all the others."""
TOLD = 3.0
"""Seconds from which on a pause is told to the user."""
KEPT = "the answers so far are kept, and the same command continues from there"


@dataclass(eq=False)
class Errand:
    """A call, the row of its last attempt; attempts at all, those with useless answers, and now."""

    call: Call
    row: int = 0
    attempts: int = 0
    used: int = 0
    tries: int = 0


class Worth(NamedTuple):
    """What an answer is worth, how the user may mend it, and whether it holds no answer at all."""

    ending: Ending
    fix: str = ""
    empty: bool = False


class Session:
    """See `Client.fetch`, whose parameters these are.

    Until a first answer is of use, at most 8 calls are begun, and answers of no use are held back:
    if 8 are, asking stops with what the last one said, and they stay in the ledger as received. So
    an error of the user's costs little, and once it is mended they are looked at again.
    """

    def __init__(
        self,
        ledger: Ledger,
        identity: str,
        access: Access,
        name: str,
        accept: Callable[[Call, Reply], None],
        progress: Progress,
    ) -> None:
        self._ledger, self._access, self._name = ledger, access, name
        self._limits = access.limits
        self._accept, self._progress = accept, progress
        self._suspect = suspect_digest(identity)
        self._writer = Writer(ledger, ledger.begin(identity))
        self._budget = Budget(access.limits, ledger.spent(self._suspect))
        self._pace = Pace(access.limits.rate)
        self._fresh: deque[Errand] = deque()
        self._again: list[tuple[float, int, Errand]] = []
        self._held: list[tuple[Errand, Worth]] = []
        self._empty: list[tuple[Errand, Worth]] = []
        self._proven = False
        self._space = 0.0
        self._begun = self._busy = self._useless = self._in_a_row = 0
        self._done = self._total = 0
        self._problem: BaseException | None = None
        self._changed = asyncio.Event()

    async def run(self, calls: Sequence[Call]) -> BaseException | None:
        """Settle all calls; what stopped it, once all that was on its way is recorded."""
        self._total = len(calls)
        try:
            clients = [
                client_to(calls[0].url, self._access.ca_file)
                for _ in calls[: self._limits.concurrency]
            ]
        except ValueError as error:
            return self._fatal(str(error))
        self._look_back(calls)
        workers = [asyncio.create_task(self._work(http)) for http in clients]
        try:
            await asyncio.wait(workers)
        except asyncio.CancelledError:
            self._stop(KeyboardInterrupt())
            self._told("Stopping: waiting for the calls under way")
            await asyncio.wait(workers)
        finally:
            for worker in workers:
                worker.cancel()
        await self._writer.flushed()
        if self._problem is None and self._empty:
            self._problem = self._without_answer()
        return self._problem

    def _look_back(self, calls: Sequence[Call]) -> None:
        """Find what is to be asked; look at answers that an earlier run did not look at."""
        states = self._ledger.states(self._suspect)
        self._proven = any(state.outcome is Outcome.ANSWERED for state in states.values())
        for call in calls:
            state = states.get(call.key)
            if state is None:
                self._fresh.append(Errand(call))
                continue
            errand = Errand(call, state.row, state.attempts, state.used)
            if state.outcome in SETTLED:
                self._done += 1
                self._told(f"Asking {self._name}")
            elif state.outcome is Outcome.RECEIVED:
                self._begun += 1
                status, body, at, _ = self._ledger.came(state.row)
                came = Ending(Outcome.RECEIVED, None, status, body)
                self._weigh(errand, came, at, live=False)
            else:
                self._fresh.append(errand)

    async def _work(self, http: httpx.AsyncClient) -> None:
        try:
            async with http:
                while (errand := await self._next()) is not None:
                    await self._attempt(http, errand)
        except Exception as error:
            self._stop(error)

    async def _next(self) -> Errand | None:
        """A call, once it may be sent; None if none is left or asking stops."""
        while self._problem is None:
            due = self._again[0][0] - time.monotonic() if self._again else math.inf
            if due > 0 and self._fresh and (self._proven or self._begun < FIRST):
                due = 0
            if due == math.inf and not self._busy:
                if not self._held:
                    return None
                self._release()
                continue
            wait = max(due, self._pace.wait())
            if wait <= 0 and self._budget.take():
                self._pace.take()
                self._busy += 1
                if self._again and self._again[0][0] <= time.monotonic():
                    return heapq.heappop(self._again)[2]
                self._begun += 1
                return self._fresh.popleft()
            if wait <= 0 and not self._busy:
                self._stop(self._over_budget())
                return None
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait if 0 < wait < math.inf else None):
                    await self._changed.wait()
        return None

    async def _attempt(self, http: httpx.AsyncClient, errand: Errand) -> None:
        call, limits = errand.call, self._limits
        name = f"birthmark:{self._suspect}\n{call.key}\n{errand.used}"
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        try:
            request = build(call.method, call.url, call.headers, call.body, key)
        except ValueError as error:
            raise self._fatal(str(error)) from error
        errand.attempts += 1
        names = [name.decode("ascii") for name, _ in request.headers.raw]
        errand.row = await self._writer.intend(call, errand.attempts, names, limits.price)
        errand.tries += 1
        self._space = max(self._space + SPACE, time.monotonic())
        await asyncio.sleep(max(0.0, self._space - time.monotonic()))
        secrets = secrets_of(call.url, tuple(call.headers.items()), call.secrets)
        self._ended(errand, await send(http, request, limits.timeout, secrets))

    def _ended(self, errand: Errand, ending: Ending) -> None:
        """Record how an attempt ended, and decide what comes of it."""
        self._busy -= 1
        self._changed.set()
        if ending.outcome is Outcome.RECEIVED:
            self._weigh(errand, ending, datetime.now(UTC), live=True)
            return
        if ending.outcome is Outcome.UNSENT:
            self._budget.give_back()
        if ending.wait is not None and ending.everyone:
            self._pace.pause(ending.wait)
            if ending.wait >= TOLD:
                self._told(f"{self._name} asks to wait {ending.wait:.0f} s")
        if ending.final:
            self._stop(self._fatal(ending.reason or ""))
        self._decided(errand, ending, self._writer.end(errand.row, ending))

    def _weigh(self, errand: Errand, came: Ending, at: datetime, *, live: bool) -> None:
        """Decide what an answer is worth, unless that must wait."""
        write = self._writer.end if live else self._writer.judge
        try:
            worth = self._worth(errand.call, came, at)
        except Exception:
            if live:
                write(errand.row, came).add_done_callback(partial(self._written, False))
            raise
        ending, fix = worth.ending, worth.fix
        wrong = ending.outcome is Outcome.FAILED and not 200 <= (came.status or 0) < 300
        if wrong and live:
            problem = f"answers {ending.reason}"
            self._stop(BirthmarkError(self._name, problem, f"{fix}; {KEPT}"))
        kept = live and worth.empty and self._proven
        if not kept and (ending.outcome is Outcome.ANSWERED or wrong or self._proven):
            self._decided(errand, ending, write(errand.row, ending))
            if ending.outcome is Outcome.ANSWERED:
                self._proven, self._in_a_row = True, 0
                self._release()
            return
        if live:
            write(errand.row, came).add_done_callback(partial(self._written, False))
        if kept:
            self._leave(errand, worth)
            return
        self._held.append((errand, worth))
        self._useless += 1
        if self._useless >= FIRST:
            about = f"none useful; to {errand.call.about}: {ending.reason}"
            problem = f"gave {self._useless} answers, {about}"
            fix = f"{fix}; its answers are kept and will be read again"
            self._stop(BirthmarkError(self._name, problem, fix))

    def _worth(self, call: Call, came: Ending, at: datetime) -> Worth:
        reply = Reply(came.status or 0, came.answer or b"", at)
        found, text = meaning(reply.status, self._proven), said(reply.status, reply.body)
        if found is Meaning.WRONG:
            return Worth(replace(came, outcome=Outcome.FAILED, reason=text), fix_of(reply.status))
        if found is Meaning.REFUSAL:
            fix = "check that the call has the form that the API wants"
            return Worth(replace(came, outcome=Outcome.REFUSED, reason=text), fix)
        empty = False
        try:
            self._accept(call, reply)
        except Unusable as error:
            text, fix = error.reason, "check where the file says the numbers are in the answer"
        except BirthmarkError as error:
            text, fix, empty = error.problem, error.fix, isinstance(error, Answerless)
        else:
            return Worth(replace(came, outcome=Outcome.ANSWERED))
        return Worth(replace(came, outcome=Outcome.FAILED, reason=text), fix, empty)

    def _release(self) -> None:
        """Take answers that were held back for what they are."""
        held, self._held = self._held, []
        for errand, worth in held:
            if self._proven and worth.empty:
                self._leave(errand, worth)
            else:
                ending = worth.ending
                self._decided(errand, ending, self._writer.judge(errand.row, ending))

    def _leave(self, errand: Errand, worth: Worth) -> None:
        """Ask about a probe no more in this run, since it was answered with nothing."""
        self._empty.append((errand, worth))
        self._in_a_row += 1
        self._changed.set()
        if self._in_a_row >= FIRST:
            self._stop(self._without_answer())

    def _without_answer(self) -> BirthmarkError:
        errand, worth = self._empty[0]
        count = len(self._empty)
        return BirthmarkError(
            self._name,
            f"said nothing about {count} of {self._total} images, the first being"
            f" {errand.call.about}: {worth.ending.reason}",
            f"{worth.fix}; {KEPT}, which asks about {'it' if count == 1 else 'these'} again"
            " unless they are declared refusals by then",
        )

    def _decided(self, errand: Errand, ending: Ending, written: asyncio.Future[int]) -> None:
        """Settle a call once that is on the disk, or try it again later."""
        settled = ending.outcome in SETTLED
        written.add_done_callback(partial(self._written, settled))
        self._changed.set()
        if settled:
            self._begun -= 1
            return
        errand.used += ending.outcome is Outcome.FAILED and spends_key(ending.status)
        tries, limits, wait = errand.tries, self._limits, ending.wait
        if tries >= limits.attempts:
            problem = f"gave no answer about {errand.call.about} in {tries} attempts"
            told = f"{problem} ({ending.reason})"
            self._stop(BirthmarkError(self._name, told, f"try later; {KEPT}"))
        if wait is None:
            doubled = min(2 ** max(tries - 1, 0), DOUBLINGS)
            wait = limits.backoff * (doubled + random.random())  # noqa: S311
        heapq.heappush(self._again, (time.monotonic() + wait, errand.row, errand))

    def _written(self, settled: bool, written: asyncio.Future[int]) -> None:
        """Count what is settled and on the disk."""
        if written.cancelled():
            return
        if (error := written.exception()) is not None:
            self._stop(error)
        elif settled:
            self._done += 1
            self._told(f"Asking {self._name}")

    def _told(self, what: str) -> None:
        try:
            self._progress(what, self._done, self._total)
        except Exception as error:
            self._stop(error)

    def _stop(self, problem: BaseException) -> None:
        """Begin nothing new; the first problem is told, unless the ledger can't be written."""
        if self._problem is None or isinstance(problem, sqlite3.Error):
            self._problem = problem
        self._changed.set()

    def _fatal(self, reason: str) -> BirthmarkError:
        return BirthmarkError(self._name, reason, f"fix that; {KEPT}")

    def _over_budget(self) -> BirthmarkError:
        calls, cost = self._limits.max_calls, self._limits.max_cost
        most = [] if calls is None else [f"{calls} calls"]
        most += [] if cost is None else [f"a cost of {cost:g}"]
        problem = f"would take more than {' or '.join(most)}, and not everything is answered"
        kept = f"the answers so far are kept in {self._access.ledger}"
        fix = f"raise the limit and run the same command: {kept}"
        return BirthmarkError(self._name, problem, fix)
