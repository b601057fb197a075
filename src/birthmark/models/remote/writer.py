"""Writing to a ledger from many tasks, several changes a flush of the disk."""

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

    The changes of one turn of the event loop go into one transaction: a flush of the disk costs the
    same for one as for many. The loop stands still meanwhile: a thread of its own for this took the
    processor more time than the disk takes. Each method gives a future that tells when its change
    is on the disk; it raises `sqlite3.Error` if it can't be.

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
        """Wait until everything is on the disk, and whoever waits for that was told."""
        self._flush()
        await asyncio.sleep(0)

    def _later(self, statement: str, values: tuple[object, ...]) -> asyncio.Future[int]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((statement, values, future))
        return future

    def _flush(self) -> None:
        batch, self._waiting = self._waiting, []
        waiting = [(future, 0) for _, _, future in batch]
        try:
            with self._connection as connection:
                connection.execute("BEGIN IMMEDIATE")
                for i, (statement, values, future) in enumerate(batch):
                    waiting[i] = future, connection.execute(statement, values).lastrowid or 0
        except Exception as error:
            for future, _ in waiting:
                if not future.done():
                    future.set_exception(error)
        for future, row in waiting:
            if not future.done():
                future.set_result(row)
