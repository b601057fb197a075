"""Reading files of strangers within bounds, and writing files so that what is there is whole."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from birthmark.common.errors import BirthmarkError

MAX_READ = 1 << 30
UNITS = (30, "GiB"), (20, "MiB"), (10, "KiB"), (0, "bytes")
MAX_DEPTH = 64
"""Folders within folders that are looked into."""


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
def whole_folder(path: Path, replacing: Collection[str] = ()) -> Iterator[Path]:
    """Give a temporary folder beside `path` to fill; take its place only on success.

    `path` may exist if it is a folder that is empty, or that holds only files named in `replacing`.

    Raises
    ------
    BirthmarkError
        If the folder holds something else already, or can't be written.
    """
    _refuse_filled(path, replacing)
    with _cleaned(path) as passing:
        passing.mkdir()
        yield passing
        for file in passing.rglob("*"):
            if file.is_file():
                _sync(file)
        if path.exists():
            path.replace(passing.with_name("replaced"))
        passing.replace(path)


@contextmanager
def opened(path: Path, limit: int = MAX_READ) -> Iterator[io.BufferedReader]:
    """Open a file that may be a stranger's: a regular one of at most `limit` bytes.

    It never waits: a pipe that nobody writes to, and a device that never ends, are refused.

    Raises
    ------
    BirthmarkError
        If it is missing, none of that kind, too large, or can't be read, by the caller too.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        raise _cannot_read(path, error) from error
    try:
        _require_regular(path, os.fstat(handle), limit)
    except BirthmarkError:
        os.close(handle)
        raise
    try:
        with open(handle, "rb") as file:  # noqa: PTH123
            yield file
    except OSError as error:
        raise _cannot_read(path, error) from error


def _cannot_read(path: Path, error: Exception) -> BirthmarkError:
    """Say why a file can't be read."""
    reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    missing = isinstance(error, FileNotFoundError)
    return BirthmarkError(path, "does not exist" if missing else reason, "name another file")


def known_regular(path: Path) -> os.stat_result:
    """What is known of a regular file without opening it.

    Raises
    ------
    BirthmarkError
        As `opened`.
    """
    try:
        known = path.stat()
    except (OSError, ValueError) as error:
        raise _cannot_read(path, error) from error
    _require_regular(path, known, None)
    return known


def _require_regular(path: Path, known: os.stat_result, limit: int | None) -> None:
    if not stat.S_ISREG(known.st_mode):
        what = "a folder" if stat.S_ISDIR(known.st_mode) else "not a regular file"
        raise BirthmarkError(path, f"is {what}", "name a file")
    if limit is not None and known.st_size > limit:
        shift, unit = next(one for one in UNITS if limit >> one[0] or not one[0])
        raise BirthmarkError(path, f"is over {limit >> shift} {unit}", "name another file")


def read_bytes(path: Path, limit: int = MAX_READ) -> bytes:
    """A file's bytes.

    Raises
    ------
    BirthmarkError
        As `opened`.
    """
    with opened(path, limit) as file:
        return file.read(limit)


def files_below(folder: Path, most: int) -> list[Path]:
    """All that is in a folder and those below, but the folders: sorted, links to folders included.

    Raises
    ------
    BirthmarkError
        If there are more than `most` files and folders, they are nested too deeply, or one can't
        be looked into.
    """
    found: list[Path] = []
    waiting, seen = [(folder, 0)], 0
    while waiting:
        inner, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise BirthmarkError(
                folder, f"has folders nested over {MAX_DEPTH} deep", "name another"
            )
        try:
            with os.scandir(inner) as entries:
                for entry in entries:
                    seen += 1
                    if seen > most:
                        raise BirthmarkError(folder, f"holds over {most:,} files", "name another")
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((inner / entry.name, depth + 1))
                    else:
                        found.append(inner / entry.name)
        except OSError as error:
            raise BirthmarkError(
                inner, f"cannot be opened: {error.strerror}", "name another folder"
            ) from error
    return sorted(found)


def require_new_folder(path: Path, replacing: Collection[str] = ()) -> None:
    """Find out before long work that a folder can be made, as `whole_folder` makes it.

    Raises
    ------
    BirthmarkError
        If `path` is a file, or a folder that holds something else, or its place can't be written
        to.
    """
    _refuse_filled(path, replacing)
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


def _refuse_filled(path: Path, replacing: Collection[str]) -> None:
    if path.is_file():
        raise BirthmarkError(path, "is a file", "name a new or empty folder")
    held = sorted(file.name for file in path.iterdir()) if path.is_dir() else []
    if strange := [name for name in held if name not in replacing]:
        raise BirthmarkError(
            path, f"is not empty: it holds {strange[0]}", "name a new or empty folder"
        )


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
