"""Writing to a ledger from many tasks at once, several changes a disk flush."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from birthmark.models.remote.ledger import Ledger
from birthmark.models.remote.record import now
from birthmark.models.remote.schema import Outcome

Change = Callable[[sqlite3.Connection], Any]
MOST = 256
"""Changes in one transaction."""
GATHERING = 0.005
"""Seconds that a transaction waits for company: a flush and a turn of the thread cost more."""


@dataclass(frozen=True)
class Intent:
    """A request about to be sent, without its secrets."""

    key: str
    attempt: int
    method: str
    url: str
    headers: str
    body_sha256: str
    body_bytes: int
    about: str
    price: float


@dataclass(frozen=True)
class Ending:
    """How an attempt ended."""

    outcome: Outcome
    reason: str | None = None
    status: int | None = None
    answer: bytes | None = None


class Writer:
    """Makes changes durable in the order they were asked for.

    While one transaction is flushed to the disk, the changes that come meanwhile gather into the
    next: a flush costs the same for one as for many.

    Parameters
    ----------
    ledger
        Where to; the writer's own, used by its thread alone from here on.
    suspect
        The row of the suspect that is asked.
    """

    def __init__(self, ledger: Ledger, suspect: int) -> None:
        self._ledger = ledger
        self._suspect = suspect
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[tuple[Change, asyncio.Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def intend(self, intent: Intent) -> asyncio.Future[Any]:
        """Write down a request; the future gives its row once that is durable."""
        values = (self._suspect, *vars(intent).values(), now())

        def change(connection: sqlite3.Connection) -> int | None:
            return connection.execute(
                "INSERT INTO calls (suspect, key, attempt, method, url, headers, body_sha256,"
                " body_bytes, about, price, sent_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            ).lastrowid

        return self._later(change)

    def end(self, row: int, ending: Ending) -> asyncio.Future[Any]:
        """Write down how an attempt ended, at this moment; the future tells when it is durable."""
        values = (ending.status, ending.answer, now(), ending.outcome, ending.reason, row)

        def change(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE calls SET status = ?, answer = ?, received_at = ?, outcome = ?, reason = ?"
                " WHERE id = ?",
                values,
            )

        return self._later(change)

    def judge(self, row: int, outcome: str, reason: str | None) -> asyncio.Future[Any]:
        """Say what a received answer is worth."""

        def change(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE calls SET outcome = ?, reason = ? WHERE id = ?", (outcome, reason, row)
            )

        return self._later(change)

    async def close(self) -> None:
        """Make everything durable and let go of the file."""
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)

    def _later(self, change: Change) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.put((change, future))
        return future

    def _work(self) -> None:
        open_ = True
        while open_:
            batch = [self._waiting.get()]
            if batch[0] is not None:
                time.sleep(GATHERING)
            while len(batch) < MOST and not self._waiting.empty():
                batch.append(self._waiting.get())
            open_ = None not in batch
            self._commit([one for one in batch if one is not None])
        self._ledger.close()

    def _commit(self, batch: list[tuple[Change, asyncio.Future[Any]]]) -> None:
        results: list[Any] = []
        connection = self._ledger.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            results.extend(change(connection) for change, _ in batch)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            results = [error] * len(batch)
        done = [(future, result) for (_, future), result in zip(batch, results, strict=True)]
        self._loop.call_soon_threadsafe(_resolve, done)


def _resolve(done: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in done:
        if future.done():
            continue
        if isinstance(result, sqlite3.Error):
            future.set_exception(result)
        else:
            future.set_result(result)


def begin(ledger: Ledger, digest: str, description: str) -> int:
    """Get a ledger ready for one suspect: its row, and what was left on its way put in doubt.

    To be called by the one process that holds the ledger's lock, so that nothing can be on its way.
    """
    connection = ledger.connection
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "INSERT INTO suspects (digest, description) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (digest, description),
    )
    connection.execute(
        "UPDATE calls SET outcome = ?, reason = ?, received_at = ? WHERE outcome IS NULL",
        (Outcome.IN_DOUBT, "the sender was ended before an answer was there", now()),
    )
    row = connection.execute("SELECT id FROM suspects WHERE digest = ?", (digest,)).fetchone()[0]
    connection.execute("COMMIT")
    return int(row)
