"""The sender: a small process that outlives the audit, so that what is on its way is kept.

`python -m birthmark.models.remote.courier` gets its work in frames on the standard input and
answers on the standard output; see `birthmark.models.remote.client` for the other end. When the
input ends, because the audit ended or was killed, it sends nothing new, waits for what is on its
way, records it, and ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from birthmark.models.remote import frames
from birthmark.models.remote.access import Limits
from birthmark.models.remote.errand import Errand
from birthmark.models.remote.ledger import Ledger, lock_of, suspect_digest
from birthmark.models.remote.rounds import Rounds
from birthmark.models.remote.writing import Writer, begin

LOOKING = 0.1
"""Seconds between two looks at whether the audit lives, or the ledger is free."""


class Courier:
    """One audit's sender.

    Parameters
    ----------
    requests, results
        Its two pipes.
    parent
        The audit's process.
    """

    def __init__(
        self, requests: asyncio.StreamReader, results: asyncio.StreamWriter, parent: int
    ) -> None:
        self._requests = requests
        self._results = results
        self._parent = parent
        self._tasks: dict[asyncio.Task[None], Errand] = {}
        self._rows: dict[int, Errand] = {}
        self._judging: list[asyncio.Future[Any]] = []
        self._said: list[bytes] = []

    async def work(self) -> None:
        """Take the ledger, then calls, until the input ends."""
        first = await frames.receive(self._requests)
        if first is None:
            return
        fields = first[0]
        limits = Limits(**fields["limits"])
        path = Path(fields["ledger"])
        with lock_of(path).open("ab") as lock:
            if not await self._locked(lock.fileno()):
                return
            ledger = Ledger.made(path, thorough=False)
            digest = suspect_digest(fields["identity"])
            suspect = begin(ledger, digest, fields["identity"])
            spent = ledger.spent(digest)
            writer = Writer(ledger, suspect)
            self._rounds = Rounds(writer, limits, spent, self._tell)
            try:
                self._tell({"op": "ready"})
                await self._take_all()
            finally:
                await self._stop()
                await writer.close()

    async def _locked(self, lock: int) -> bool:
        told = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if not told:
                    self._tell({"op": "waiting"})
                    told = True
            if self._requests.at_eof() or self._orphaned():
                return False
            await asyncio.sleep(LOOKING)

    async def _take_all(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._requests.feed_eof)
        watching = asyncio.create_task(self._watch())
        while (frame := await frames.receive(self._requests)) is not None:
            fields, content = frame
            if fields["op"] == "call":
                self._start(Errand.of(fields, content))
            elif fields["op"] == "judge":
                self._judge(fields)
            elif fields["op"] == "stop":
                await self._stop()
                self._tell({"op": "stopped"})
        watching.cancel()

    def _orphaned(self) -> bool:
        """Whether the audit is gone: a child that it forked may keep our input open."""
        return os.getppid() != self._parent

    async def _watch(self) -> None:
        while not self._orphaned():
            await asyncio.sleep(LOOKING)
        self._requests.feed_eof()

    def _start(self, errand: Errand) -> None:
        task = asyncio.create_task(self._rounds.run(errand, self._rows))
        self._tasks[task] = errand
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._rounds.stopping = True
            self._tell({"op": "broken", "problem": problem_of(error)})

    def _judge(self, fields: dict[str, Any]) -> None:
        row, outcome, reason = fields["row"], fields["outcome"], fields.get("reason")
        done = self._rounds.writer.judge(row, outcome, reason)
        done.add_done_callback(self._judged)
        errand = self._rows.pop(row, None)
        if errand is not None and errand.verdict is not None and not errand.verdict.done():
            errand.verdict.set_result((outcome, reason))

    def _judged(self, done: asyncio.Future[Any]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            self._tell({"op": "broken", "problem": problem_of(error)})

    async def _stop(self) -> None:
        """Send nothing new; wait until what is on its way is recorded."""
        self._rounds.stopping = True
        for task, errand in self._tasks.items():
            if not errand.busy:
                task.cancel()
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    def _tell(self, fields: dict[str, Any], content: bytes = b"") -> None:
        """Say something to the audit, if it still listens; it reads all that it asked for."""
        if not self._said:
            asyncio.get_running_loop().call_soon(self.flush)
        self._said.append(frames.packed(fields, content))

    def flush(self) -> None:
        """Pass on at once what was said since the last time."""
        said, self._said = b"".join(self._said), []
        if said and not self._results.is_closing():
            self._results.write(said)


def problem_of(error: BaseException) -> str:
    """What to say about a fault, without anything that was sent."""
    if isinstance(error, sqlite3.Error | OSError):
        return f"the ledger can't be written ({error})"
    return f"the sender failed ({type(error).__name__})"


async def serve() -> None:
    """Work over the standard streams; what libraries print goes to the standard error."""
    loop = asyncio.get_running_loop()
    parent = os.getppid()
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, output)
    results = asyncio.StreamWriter(transport, protocol, None, loop)
    courier = Courier(requests, results, parent)
    try:
        await courier.work()
        courier.flush()
    except Exception as error:
        if not results.is_closing():
            results.write(frames.packed({"op": "broken", "problem": problem_of(error)}))
    while transport.get_write_buffer_size() and not transport.is_closing():
        await asyncio.sleep(0.01)
    transport.close()


def main() -> None:
    """Run until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(serve())


if __name__ == "__main__":
    main()
