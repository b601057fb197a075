"""Starting processes for models: one process that is forked from, a fork for each model."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path

from birthmark.common.errors import BirthmarkError
from birthmark.models.runtimes.base import RUNTIMES, preloading
from birthmark.models.sandbox.shared_memory import Sharing
from birthmark.models.sandbox.zygote import TOLD

KEPT = (
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ", "SYSTEMROOT"),
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
)
"""The environment variables that a model's process sees; HOME and TMPDIR are an empty folder."""
CODE = (
    "import json, sys; control, runtime, sys.path[:] = json.loads(sys.argv[1]);"
    " from birthmark.models.sandbox.zygote import main; main(control, runtime)"
)
PATIENCE = 120.0
"""Seconds for the first process to import its libraries."""
REAPING = 2.0
"""Seconds for the end of a process to be told."""


class Life:
    """A started process, as far as its parent holds it: closing ends it.

    Attributes
    ----------
    pid
        Its number; only to look at it.
    connection
        The socket it answers on.
    sharing
        Memory for batches, on Linux.
    """

    def __init__(
        self, life: socket.socket, connection: socket.socket, sharing: Sharing | None
    ) -> None:
        self.connection = connection
        self.sharing = sharing
        self._life = life
        self.pid = self._told(PATIENCE)

    def _told(self, seconds: float) -> int | None:
        poll = select.poll()
        poll.register(self._life, select.POLLIN)
        if not poll.poll(1000 * seconds):
            return None
        with contextlib.suppress(OSError):
            said = self._life.recv(TOLD.size)
            return TOLD.unpack(said)[0] if len(said) == TOLD.size else None
        return None

    def ended(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None if that is not known."""
        return self._told(REAPING)

    def close(self) -> None:
        """End it."""
        self.connection.close()
        self._life.close()
        if self.sharing is not None:
            self.sharing.close()


class Zygote:
    """The process that is forked from, and how to ask it.

    Parameters
    ----------
    runtime
        What it gets ready to run; None for nothing.
    """

    def __init__(self, runtime: str | None) -> None:
        mine, its = socket.socketpair()
        command = [sys.executable, "-I", "-B", "-c", CODE]
        with its:
            arguments = json.dumps([its.fileno(), runtime, _paths()])
            self._process = subprocess.Popen(  # noqa: S603
                [*command, arguments],
                env={"LC_ALL": "C.UTF-8"} | {k: os.environ[k] for k in KEPT if k in os.environ},
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None if os.environ.get("BIRTHMARK_DEBUG") else subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        self._control = mine
        self._lock = threading.Lock()

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def start(self) -> Life:
        """Fork a process for a model.

        Raises
        ------
        BirthmarkError
            If it can't.
        """
        (life, its_life), (mine, its) = socket.socketpair(), socket.socketpair()
        sharing = Sharing() if hasattr(os, "memfd_create") else None
        with its, its_life, self._lock, contextlib.suppress(OSError):
            passed = [its_life.fileno(), its.fileno()]
            passed += [] if sharing is None else [sharing.fileno]
            socket.send_fds(self._control, [b"f"], passed)
        started = Life(life, mine, sharing)
        if started.pid is None:
            started.close()
            raise BirthmarkError(
                "model files",
                "run in a separate process, and none can be started",
                "set BIRTHMARK_DEBUG=1 to see why",
            )
        return started

    def close(self) -> None:
        """End it and all that was forked from it."""
        self._control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """Let go of it in a fork of the process that started it."""
        self._control.close()
        self._process.returncode = 0


_ZYGOTES: dict[str | None, Zygote] = {}
_LOCK = threading.Lock()


def start(runtime: str) -> Life:
    """A fresh process in which a runtime's libraries are imported.

    Raises
    ------
    BirthmarkError
        If there is no such runtime, or no process can be started.
    """
    ready = _ready(runtime)
    with _LOCK:
        zygote = _ZYGOTES.get(ready)
        if zygote is None or not zygote.alive:
            if not hasattr(socket, "send_fds") or not hasattr(os, "fork"):
                raise BirthmarkError(
                    "model files",
                    "run in a separate process, which needs Linux or macOS",
                    "run the model there, or pass a function that queries it",
                )
            zygote = _ZYGOTES[ready] = Zygote(ready)
    return zygote.start()


def _ready(runtime: str) -> str | None:
    """Which runtime to get ready before forking, if its module has a function `preload`.

    Only on Linux: elsewhere libraries need not outlive a fork, and are imported after it.
    """
    if ":" not in runtime:
        RUNTIMES.make(runtime)
    elif not runtime.startswith("birthmark."):
        return None
    return runtime if sys.platform == "linux" and preloading(runtime) else None


def _paths() -> list[str]:
    """Where modules are imported from.

    Never the current folder, which may hold hostile files, nor that of a script which is run: a
    model's process may read all of these, and a user's own files are often beside it.
    """
    here = Path(__file__).parents[3]
    script = getattr(sys.modules["__main__"], "__file__", None)
    left = {Path.cwd(), *([] if script is None else [Path(script).resolve().parent])}
    kept = [Path(one) for one in sys.path if one and Path(one).resolve() not in left]
    return [str(one) for one in dict.fromkeys([*kept, here])]


def _close_all() -> None:
    for zygote in _ZYGOTES.values():
        zygote.close()
    _ZYGOTES.clear()


def _forget_all() -> None:
    global _LOCK
    _LOCK = threading.Lock()
    for zygote in _ZYGOTES.values():
        zygote.forget()
    _ZYGOTES.clear()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
