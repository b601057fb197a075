"""A started process while it works: watched, and ended when it goes over a limit."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.models.sandbox.frames import Channel
from birthmark.models.sandbox.launcher import start
from birthmark.models.sandbox.limits import MEMORY, SECONDS, Limits

AT_ONCE = 16
"""Most processes that are kept; of more, idle ones are ended.

The one used last goes first: models are asked in the same order again, so those of the beginning
are wanted next."""
KEPT = 512 << 20
"""Bytes of memory that all of them may hold beyond what empty ones do, before idle ones end."""


class OverLimitError(Exception):
    """A process took more than it may.

    Attributes
    ----------
    fix
        What to do about it.
    """

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.fix = fix


class Process:
    """A process for one model.

    Parameters
    ----------
    runtime
        Whose libraries it needs.
    limits
        What it may use.
    lock
        Held while it is used.

    Raises
    ------
    BirthmarkError
        If it can't be started.
    """

    def __init__(self, runtime: str, limits: Limits, lock: threading.RLock) -> None:
        self._life = start(runtime)
        self._channel = Channel(self._life.connection, self._watch)
        self._limits = limits
        self._deadline = 0.0
        self._empty = self._taken()[1]
        self._parent = os.getpid()
        self._open = True
        self.lock = lock

    @property
    def usable(self) -> bool:
        """Whether it has not been ended, and this is not a fork of the process that started it."""
        return self._open and self._parent == os.getpid()

    @property
    def held(self) -> int:
        """Bytes of memory that it holds beyond what an empty one does, where Linux tells."""
        return max(0, self._taken()[1] - self._empty)

    def send(self, header: dict[str, Any], seconds: float) -> None:
        """Send a header and give the process so long to answer.

        Raises
        ------
        EOFError
            If it died.
        OverLimitError
            If it does not take it in time.
        """
        self._deadline = time.monotonic() + seconds
        _touch(self)
        self._channel.send(header)

    def send_batch(self, batch: NDArray[np.float32], seconds: float) -> None:
        """Send a batch; otherwise as `send`."""
        shape = None if self._life.sharing is None else self._life.sharing.put(batch)
        if shape is not None:
            self.send({"batch": shape}, seconds)
        else:
            self.send({}, seconds)
            self._channel.send({}, batch)

    def receive(self, limit: int = 0) -> tuple[dict[str, Any], NDArray[Any] | None]:
        """Its next frame, with an array of up to `limit` bytes.

        Raises
        ------
        EOFError
            If it died.
        OverLimitError
            If it takes too long or too much memory.
        FrameError
            If it answers with what no honest process sends.
        """
        return self._channel.receive(limit)

    def ended(self) -> int | None:
        """The exit code of a process that died, or minus the signal; None if not known."""
        return self._life.ended()

    def close(self) -> None:
        """End it."""
        if self._open:
            self._open = False
            self._life.close()
        _USED.pop(id(self), None)

    def _watch(self) -> None:
        if time.monotonic() > self._deadline:
            raise OverLimitError("took too long", f"to allow more seconds, set {SECONDS}")
        threads, held = self._taken()
        if threads > max(self._limits.threads, 4 * (os.cpu_count() or 1)):
            raise OverLimitError(f"started {threads} threads", "export it again")
        if held - self._empty > self._limits.memory:
            raise OverLimitError(
                f"took more than {self._limits.memory / (1 << 30):.3g} GiB of memory",
                f"to allow more GiB, set {MEMORY}",
            )

    def _taken(self) -> tuple[int, int]:
        """Its threads, and the bytes of memory that it holds, where Linux tells; 0 elsewhere."""
        try:
            with open(f"/proc/{self._life.pid}/stat", "rb") as file:  # noqa: PTH123
                fields = file.read().rpartition(b")")[2].split()
            return int(fields[17]), int(fields[21]) * resource.getpagesize()
        except (OSError, IndexError):
            return 0, 0


_USED: OrderedDict[int, Process] = OrderedDict()


def _touch(process: Process) -> None:
    _USED[id(process)] = process
    _USED.move_to_end(id(process))
    kept = list(_USED.values())
    if len(kept) == 1:
        return
    held = [one.held for one in kept]
    for place in range(len(kept) - 2, -1, -1):
        if len(_USED) <= AT_ONCE and sum(held) <= KEPT:
            return
        if kept[place].lock.acquire(blocking=False):
            kept[place].close()
            kept[place].lock.release()
            held[place] = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_USED.clear)
