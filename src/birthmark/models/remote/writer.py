"""Writing to a ledger from many tasks at once, several changes a flush of the disk."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable

from birthmark.models.remote.call import Call
from birthmark.models.remote.ledger import Ledger
from birthmark.models.remote.mask import shown
from birthmark.models.remote.record import Ending, now

Change = tuple[str, tuple[object, ...], "asyncio.Future[int]"]
INTEND = (
    "INSERT INTO calls (suspect, key, attempt, method, url, headers, body_sha256, body_bytes,"
    " about, price, sent_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
END = (
    "UPDATE calls SET outcome = ?, reason = ?, status = ?, answer = ?, received_at = ? WHERE id = ?"
)
JUDGE = "UPDATE calls SET outcome = ?, reason = ? WHERE id = ?"


class Writer:
    """Makes changes durable in the order they were asked for.

    While one transaction is flushed to the disk, the changes that come meanwhile gather into the
    next: a flush costs the same for one as for many. Each method gives a future that tells when
    its change is on the disk; it raises `sqlite3.Error` if it can't be.

    Parameters
    ----------
    ledger
        Where to; nobody else uses its connection meanwhile.
    suspect
        The row of the suspect that is asked.
    """

    def __init__(self, ledger: Ledger, suspect: int) -> None:
        self._connection = ledger.connection
        self._suspect = suspect
        self._waiting: list[Change] = []
        self._flushing: asyncio.Task[None] | None = None

    def intend(
        self, call: Call, attempt: int, headers: Iterable[str], price: float
    ) -> asyncio.Future[int]:
        """Write down a request that is about to be sent, without secrets; gives its row."""
        body = f"sha256:{hashlib.sha256(call.body).hexdigest()}", len(call.body)
        sent = call.method, shown(call.url), " ".join(headers), *body
        values = (self._suspect, call.key, attempt, *sent, call.about, price, now())
        return self._later(INTEND, values)

    def end(self, row: int, ending: Ending) -> asyncio.Future[int]:
        """Write down how an attempt ended, at this moment."""
        came = (ending.outcome, ending.reason, ending.status, ending.answer, now(), row)
        return self._later(END, came)

    def judge(self, row: int, ending: Ending) -> asyncio.Future[int]:
        """Say what an answer that was only received is worth."""
        return self._later(JUDGE, (ending.outcome, ending.reason, row))

    async def flushed(self) -> None:
        """Wait until everything is on the disk."""
        while self._flushing is not None:
            await asyncio.shield(self._flushing)

    def _later(self, statement: str, values: tuple[object, ...]) -> asyncio.Future[int]:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((statement, values, future))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return future

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            rows, problem = [0] * len(batch), None
            try:
                rows = await asyncio.to_thread(self._commit, batch)
            except Exception as error:
                problem = error
            for (_, _, future), row in zip(batch, rows, strict=True):
                if future.done():
                    continue
                if problem is None:
                    future.set_result(row)
                else:
                    future.set_exception(problem)
        self._flushing = None

    def _commit(self, batch: list[Change]) -> list[int]:
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            return [
                self._connection.execute(statement, values).lastrowid or 0
                for statement, values, _ in batch
            ]
