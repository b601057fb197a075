"""The process that model processes are forked from: libraries imported, nothing else done.

It talks to its parent over a socket: each message is one byte and some descriptors: of a socket for
the new process's life, of one that it answers on and, on Linux, of memory for batches. Over the
first it tells the process's id and, when that ended, its exit status; when the parent closes it,
the process is killed. When the parent itself is gone, everything ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import selectors
import shutil
import signal
import socket
import struct
import tempfile

from birthmark.models.sandbox.descriptors import ANSWERS

TOLD = struct.Struct("<i")


def main(control: int, runtime: str | None) -> None:
    """Serve until the parent is gone.

    Parameters
    ----------
    control
        File descriptor of the socket to the parent.
    runtime
        What to get ready; if that fails, the model's process will fail in the same way, and tell.
    """
    folder = tempfile.mkdtemp(prefix="birthmark-")
    os.chdir(folder)
    os.environ["HOME"] = os.environ["TMPDIR"] = folder
    try:
        from birthmark.models.runtimes.base import RUNTIMES, preloading
        from birthmark.models.sandbox.child import main as child

        RUNTIMES.plugins()
        preload = None if runtime is None else preloading(runtime)
        if preload is not None:
            with contextlib.suppress(Exception):
                preload()
        gc.collect()
        gc.freeze()
        zygote = Zygote(socket.socket(fileno=control))
        connection = zygote.serve()
    finally:
        if os.getpid() == PID:
            shutil.rmtree(folder, ignore_errors=True)
    if connection is not None:
        child(connection)


PID = os.getpid()


class Zygote:
    """The loop.

    Parameters
    ----------
    control
        The socket to the parent.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._lives: dict[int, socket.socket] = {}
        self._wakes = socket.socketpair()
        for end in self._wakes:
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakes[1].fileno(), warn_on_full_buffer=False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
        self._selector.register(self._wakes[0], selectors.EVENT_READ)

    def serve(self) -> socket.socket | None:
        """Fork when asked: in the new process the socket to answer on, None at the end."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._wakes[0]:
                    self._reap()
                elif key.fileobj is self._control:
                    _, passed, _, _ = socket.recv_fds(self._control, 1, 3)
                    if len(passed) < 2:
                        self._end()
                        return None
                    answering = self._fork(*passed)
                    if answering is not None:
                        return answering
                elif key.fileobj is self._lives.get(key.data):
                    os.kill(key.data, signal.SIGKILL)
                    self._selector.unregister(key.fileobj)

    def _fork(self, life: int, *passed: int) -> socket.socket | None:
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            above = [fcntl.fcntl(one, fcntl.F_DUPFD, ANSWERS + 64) for one in passed]
            for i, one in enumerate(above):
                os.dup2(one, ANSWERS + i)
            os.closerange(ANSWERS + len(above), 1 << 16)
            return socket.socket(fileno=ANSWERS)
        for one in passed:
            os.close(one)
        self._lives[pid] = socket.socket(fileno=life)
        self._selector.register(self._lives[pid], selectors.EVENT_READ, pid)
        self._tell(pid, pid)
        return None

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wakes[0].recv(4096)
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                self._tell(pid, os.waitstatus_to_exitcode(status))
                life = self._lives.pop(pid)
                with contextlib.suppress(KeyError):
                    self._selector.unregister(life)
                life.close()

    def _tell(self, pid: int, number: int) -> None:
        with contextlib.suppress(OSError):
            self._lives[pid].send(TOLD.pack(number))

    def _end(self) -> None:
        for pid in self._lives:
            os.kill(pid, signal.SIGKILL)
        for pid in self._lives:
            os.waitpid(pid, 0)
