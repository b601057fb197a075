"""Writing files so that what is there is whole."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from birthmark.common.errors import BirthmarkError

MAX_READ = 1 << 30


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` to write to; take its place only on success.

    Raises
    ------
    BirthmarkError
        If the file can't be written: no folder, no permission, a full disk.
    """
    with _cleaned(path) as passing:
        yield passing
        _sync(passing)
        passing.replace(path)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path` to fill; take its place only on success.

    `path` may exist if it is an empty folder.

    Raises
    ------
    BirthmarkError
        If the folder holds something already, or can't be written.
    """
    _refuse_filled(path)
    with _cleaned(path) as passing:
        passing.mkdir()
        yield passing
        for file in passing.rglob("*"):
            if file.is_file():
                _sync(file)
        if path.exists():
            path.rmdir()
        passing.replace(path)


def read_bytes(path: Path, limit: int = MAX_READ) -> bytes:
    """A file's bytes.

    Raises
    ------
    BirthmarkError
        If it is missing, can't be read or holds more than `limit` bytes.
    """
    try:
        size = path.stat().st_size
        if size > limit:
            raise BirthmarkError(path, f"is over {limit >> 20} MiB", "name another file")
        return path.read_bytes()
    except OSError as error:
        raise BirthmarkError(
            path, f"cannot be read: {error.strerror}", "name another file"
        ) from error


def require_new_folder(path: Path) -> None:
    """Find out before long work that a folder can be made.

    Raises
    ------
    BirthmarkError
        If `path` is a file, or a folder that holds something, or its place can't be written to.
    """
    _refuse_filled(path)
    require_writable(path)


def require_writable(path: Path) -> None:
    """Find out before long work that there is a place for a file.

    Raises
    ------
    BirthmarkError
        If its folder can't be written to.
    """
    with _cleaned(path):
        pass


def _refuse_filled(path: Path) -> None:
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise BirthmarkError(path, "there is something already", "name a new or empty folder")


@contextmanager
def _cleaned(path: Path) -> Iterator[Path]:
    passing = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        passing = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        yield passing / "content"
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        if passing is not None:
            shutil.rmtree(passing, ignore_errors=True)


def cannot_write(path: Path, error: OSError) -> BirthmarkError:
    """Say why a file can't be written, and how much room there is."""
    reason = error.strerror or type(error).__name__
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) and path.parent.exists()
    room = f" ({shutil.disk_usage(path.parent).free >> 20} MiB free)" if full else ""
    fix = "make room or name another place" if full else "name another place"
    return BirthmarkError(path, f"cannot be written: {reason}{room}", fix)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
