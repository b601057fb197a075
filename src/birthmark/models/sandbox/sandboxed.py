"""A model file in a process of its own, as its parent sees it."""

from __future__ import annotations

import math
import signal
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError, one_line
from birthmark.common.files import files_below, known_regular
from birthmark.models.runtimes.base import RunError, Takes
from birthmark.models.sandbox.frames import MAX_AXES, FrameError
from birthmark.models.sandbox.limits import FILE, MEMORY, Limits
from birthmark.models.sandbox.process import OverLimitError, Process
from birthmark.models.sandbox.protections import ITS_FOLDER, LIMITED_MEMORY, NO_REACH

MAX_FILES = 10_000
WANTED = (LIMITED_MEMORY, NO_REACH, ITS_FOLDER)


class Sandboxed:
    """A model file, loaded and run in a process of its own that can do little else.

    The process is begun at once and ended by `close`, or when this object is gone. Where many are
    open, an idle one is ended, and begun anew when it is asked again.

    Parameters
    ----------
    runtime
        Its name in `RUNTIMES`, or `module:function` for a loader of one's own.
    path
        The file or folder.
    options
        What only this runtime knows.
    limits
        How much it may use; what the environment says if not given.
    parts
        The files that it consists of, if not `path` alone: they can be read, and must not change.
    readable
        Other files and folders that it may read.
    what
        How messages call such a file.

    Raises
    ------
    BirthmarkError
        If the file is missing, too large, not readable by the runtime, or reaches a limit.
    """

    def __init__(
        self,
        runtime: str,
        path: Path,
        options: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        parts: Sequence[Path] = (),
        readable: Sequence[Path] = (),
        what: str = "model",
    ) -> None:
        self._path, self._what = path, what
        self._limits = limits or Limits.of_environment()
        self._runtime = runtime
        if not path.exists():
            raise BirthmarkError(path, "does not exist", "name a model file or folder")
        whole = files_below(path, MAX_FILES) if path.is_dir() else [path]
        self._parts = list(parts) or whole
        self._seen = _stamp(path, self._parts, self._limits.file)
        allowed = [path, *readable] if path.is_dir() else [*self._parts, *readable]
        self._asks = {
            "runtime": runtime,
            "path": str(path.absolute()),
            "options": dict(options or {}),
            "readable": [str(one.absolute()) for one in allowed],
            "memory": self._limits.memory,
            "threads": self._limits.threads,
        }
        self._lock = threading.RLock()
        self._process: Process | None = None
        self._closed = False
        with self._lock:
            self._begun()

    @property
    def takes(self) -> Takes:
        """What the model takes, as its file tells."""
        return self._takes

    @property
    def protections(self) -> list[str]:
        """What was in force before the file was read."""
        return list(self._protections)

    @property
    def missing(self) -> list[str]:
        """What should be in force, but this system does not have."""
        return [one for one in WANTED if one not in self._protections]

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """The model's first output for a batch, as it gave it: numbers of any dtype and shape.

        From one thread at a time; others wait.

        Raises
        ------
        BirthmarkError
            If it fails, reaches a limit, or its process dies.
        """
        with self._lock:
            process = self._begun()
            try:
                process.send_batch(batch, self._limits.run_seconds)
                header, values = process.receive(self._limits.answer)
            except BaseException as error:
                self._give_up(process, error, "on an image")
        if values is None:
            told = self._told(header, "failed on an image", "check the declared input")
            raise RunError(self._path, told.problem, told.fix)
        if math.prod(values.shape[1:]) > self._limits.width:
            raise BirthmarkError(
                self._path,
                f"answers with the shape {values.shape}",
                f"export a model with at most {self._limits.width} numbers per image",
            )
        return values

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to begin it there: the same files, unchanged."""
        left = ("_lock", "_process", "_finalizer")
        state = {name: value for name, value in vars(self).items() if name not in left}
        return state | {"_parts": [one.absolute() for one in self._parts]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock, self._process = threading.RLock(), None

    def close(self) -> None:
        """End the process; the model cannot be run again."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._end(self._process)

    def __enter__(self) -> Sandboxed:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _begun(self) -> Process:
        if self._process is not None and self._process.usable:
            return self._process
        if self._closed:
            raise BirthmarkError(self._path, "was closed", "open it again")
        if _stamp(self._path, self._parts, self._limits.file) != self._seen:
            raise BirthmarkError(
                self._path,
                "has changed since it was opened",
                "open it again, and do not change it meanwhile",
            )
        process = Process(self._runtime, self._limits, self._lock)
        self._finalizer = weakref.finalize(self, process.close)
        self._process = process
        try:
            process.send(self._asks, self._limits.load_seconds)
            self._protections: list[str] = process.receive()[0]["protections"]
            header, _ = process.receive()
            takes = None if "takes" not in header else _takes(header["takes"])
        except BaseException as error:
            self._give_up(process, error, "while it was loaded")
        if takes is None:
            self._end(process)
            raise self._told(header, f"is not a readable {self._what}", "export it again")
        self._takes = takes
        return process

    def _give_up(self, process: Process, error: BaseException, when: str) -> NoReturn:
        """End the process, and say why it had to be."""
        try:
            if isinstance(error, OverLimitError):
                raise BirthmarkError(self._path, f"{error} {when}", error.fix) from error
            if isinstance(error, FrameError):
                fix = "export a model that answers with fewer numbers"
                raise BirthmarkError(self._path, f"answered {when} with {error}", fix) from error
            if isinstance(error, EOFError):
                raise BirthmarkError(
                    self._path,
                    f"ended its own process {when} ({_ending(process.ended())})",
                    f"export it again; to allow more memory, set {MEMORY} to more GiB",
                ) from error
            raise error
        finally:
            self._end(process)

    def _told(self, header: dict[str, Any], problem: str, fix: str) -> BirthmarkError:
        """What the process says went wrong; a hostile file may have written it."""
        error = header.get("error")
        if isinstance(error, list) and len(error) == 2:
            return BirthmarkError(self._path, str(error[0]), str(error[1]))
        return BirthmarkError(self._path, f"{problem} ({header.get('failed')})", fix)

    def _end(self, process: Process) -> None:
        process.close()
        self._finalizer.detach()
        self._process = None


def _takes(told: object) -> Takes:
    """Check what the process says that the model takes."""
    match told:
        case {"name": str(name), "dtype": str(dtype), "shape": None}:
            return Takes(one_line(name, 200), one_line(dtype, 50), None)
        case {"name": str(name), "dtype": str(dtype), "shape": [*sides]} if len(
            sides
        ) <= MAX_AXES and all(side is None or type(side) is int for side in sides):
            return Takes(one_line(name, 200), one_line(dtype, 50), tuple(sides))
    raise FrameError(f"an input of {str(told)[:200]}")


def _stamp(path: Path, files: Sequence[Path], limit: int) -> list[tuple[int, int]]:
    """Size and time of a model's files, to notice that they were changed.

    Raises
    ------
    BirthmarkError
        If one is not there, or they are too large.
    """
    stats = [known_regular(one) for one in files]
    total = sum(stat.st_size for stat in stats)
    if total > limit:
        raise BirthmarkError(
            path,
            f"is over {limit / (1 << 30):.3g} GiB",
            f"to allow more, set {FILE} to more GiB",
        )
    return [(stat.st_size, stat.st_mtime_ns) for stat in stats]


def _ending(code: int | None) -> str:
    if code is None:
        return "for an unknown reason"
    if code < 0:
        known = {one.value: one.name for one in signal.Signals}
        return known.get(-code, f"signal {-code}")
    return f"exit code {code}"
