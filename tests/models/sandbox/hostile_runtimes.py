"""Runtimes that do what a hostile file might do once it runs code of its own."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.models.runtimes.base import Takes
from birthmark.models.sandbox.descriptors import ANSWERS


class Doing:
    """Does something when it runs."""

    takes = Takes("image", "float32", (None, 2))

    def __init__(self, run: Callable[[], Any]) -> None:
        self._run = run

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        said = self._run()
        return batch if said is None else np.asarray(said)


def on_run(path: Path, options: Mapping[str, str]) -> Doing:
    what = options["what"]
    return Doing(lambda: ACTS[what](path))


def on_load(path: Path, options: Mapping[str, str]) -> Doing:
    ACTS[options["what"]](path)
    return Doing(lambda: None)


def attempt(path: Path, options: Mapping[str, str]) -> Doing:
    """Answers 1 where an attempt succeeded, 0 where the system refused it."""

    def tried() -> list[list[int]]:
        try:
            ATTEMPTS[options["what"]](path)
        except (OSError, MemoryError):
            return [[0, 0]]
        return [[1, 1]]

    return Doing(tried)


def frame(header: Any) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    os.write(ANSWERS, len(text).to_bytes(4, "little") + text)
    time.sleep(60)


def hog(_: Path) -> None:
    kept = []
    while True:
        kept.append(np.ones(1 << 20))


def close(_: Path) -> None:
    os.close(ANSWERS)
    time.sleep(60)


def drip(_: Path) -> None:
    os.write(ANSWERS, b"\x09")
    time.sleep(60)


def drip_on(_: Path) -> None:
    """A byte every half millisecond, of a header that is long enough for ever."""
    os.write(ANSWERS, (1 << 15).to_bytes(4, "little"))
    while True:
        os.write(ANSWERS, b" ")
        time.sleep(5e-4)


def threads(_: Path) -> None:
    threading.stack_size(1 << 16)
    while True:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


def loop(_: Path) -> None:
    while True:
        pass


ACTS: dict[str, Callable[[Path], Any]] = {
    "loop": loop,
    "hog": hog,
    "drip": drip,
    "drip on": drip_on,
    "threads": threads,
    "hollow": lambda _: frame({"dtype": "<f4", "shape": [0, 1 << 39, 1 << 39]}),
    "crash": lambda _: ctypes.string_at(0),
    "abort": lambda _: os.abort(),
    "exit": lambda _: os._exit(7),
    "leave": lambda _: sys.exit(),
    "raise": lambda _: 1 / 0,
    "multiline": lambda _: (_ for _ in ()).throw(ValueError("one\n\x1b[31mtwo" * 1000)),
    "close": close,
    "words": lambda _: np.array(["a", "b"]),
    "objects": lambda _: np.array([{}, []], dtype=object),
    "wide": lambda _: np.zeros((1, 1 << 21), np.int8),
    "much": lambda _: np.zeros((1 << 13, 1 << 11), np.int8),
    "absurd": lambda _: frame({"dtype": "<f4", "shape": [1 << 39, 1 << 39]}),
    "negative": lambda _: frame({"dtype": "<f4", "shape": [-1, 5]}),
    "axes": lambda _: frame({"dtype": "<f4", "shape": [1] * 99}),
    "pickled": lambda _: frame({"dtype": "|O", "shape": [1]}),
    "no dtype": lambda _: frame({"dtype": [["a", "<f4"]], "shape": [1]}),
    "list": lambda _: frame([]),
    "deep": lambda _: frame(b"[" * 60_000),
    "no json": lambda _: frame(b"\x80\x04"),
    "no header": lambda _: os.write(ANSWERS, b"\xff" * 9),
    "no takes": lambda _: frame({"takes": {"name": 3}}),
    "many sides": lambda _: frame({"takes": {"name": "", "dtype": "", "shape": [1] * 99}}),
    "half": lambda _: (os.write(ANSWERS, b"\x02\x00\x00\x00{"), os._exit(0)),
}


def clone(_: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    pid = libc.syscall(56 if os.uname().machine == "x86_64" else 220, signal.SIGCHLD, 0, 0, 0, 0)
    if pid < 0:
        raise OSError(ctypes.get_errno(), "clone")
    if pid == 0:
        os._exit(0)


def environment(_: Path) -> None:
    if "A_SECRET" not in os.environ:
        raise OSError


def parents_environment(_: Path) -> None:
    parent = os.getppid()
    for line in Path(f"/proc/{parent}/status").read_text().splitlines():
        if line.startswith("PPid"):
            Path(f"/proc/{line.split()[1]}/environ").read_bytes()


def memory(_: Path) -> None:
    np.ones(1 << 30)


def elsewhere(path: Path) -> Path:
    return path.parents[1] / "elsewhere"


def watch(path: Path) -> None:
    """Whoever is told when a file is opened learns what its owner does."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.inotify_add_watch(libc.inotify_init(), bytes(elsewhere(path)), 0xFFF) < 0:
        raise OSError(ctypes.get_errno(), "inotify")


ATTEMPTS: dict[str, Callable[[Path], Any]] = {
    "a thread": lambda _: threading.Thread(target=str).start(),
    "its file": lambda path: path.read_bytes(),
    "a file beside it": lambda path: (path.parent / "beside").read_bytes(),
    "a file elsewhere": lambda path: (path.parents[1] / "elsewhere").read_bytes(),
    "a link beside it": lambda path: (path.parent / "link").read_bytes(),
    "list elsewhere": lambda path: list(path.parents[1].iterdir()),
    "passwords": lambda _: Path("/etc/passwd").read_bytes(),
    "write beside it": lambda path: (path.parent / "new").write_text("x"),
    "append": lambda path: path.open("a").write("x"),
    "write here": lambda _: Path("new").write_text("x"),
    "remove": lambda path: path.unlink(),
    "connect": lambda _: socket.create_connection(("127.0.0.1", 9)),
    "listen": lambda _: socket.socket().listen(),
    "resolve": lambda _: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "a program": lambda _: subprocess.run(["/bin/true"], check=True),
    "exec": lambda _: os.execv("/bin/true", ["true"]),
    "fork": lambda _: os.fork() or os._exit(0),
    "clone": clone,
    "kill its parent": lambda _: os.kill(os.getppid(), 0),
    "kill its group": lambda _: os.kill(0, 0),
    "environment": environment,
    "parent's environment": parents_environment,
    "standard input": lambda _: os.read(0, 1) or (_ for _ in ()).throw(OSError()),
    "memory": memory,
    "change its mode": lambda path: elsewhere(path).chmod(0o777),
    "change its time": lambda path: os.utime(elsewhere(path), (1, 1)),
    "change its owner": lambda path: os.chown(elsewhere(path), os.getuid(), os.getgid()),
    "mark it": lambda path: os.setxattr(elsewhere(path), "user.mark", b"x"),
    "watch it": watch,
    "slow its parent": lambda _: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
    "move its parent": lambda _: os.sched_setaffinity(os.getppid(), {0}),
}
