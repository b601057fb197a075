"""Files at an fsspec address: listed, fetched within bounds, written."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from birthmark.common.errors import BirthmarkError
from birthmark.common.files import cannot_write, files_below

Sizes = dict[str, int]
"""Of files, by their place below the address, in bytes."""

AT_ONCE, TOGETHER = 500, 64 << 20
"""Files that are fetched at a time, and their bytes."""
MOST = 10_000
"""Files that are written at a time."""


class UnreachableError(BirthmarkError):
    """An address can't be reached now; nothing is known of what is there."""


class Store:
    """What fsspec's driver for an address can do, each failure one line that names the address.

    Parameters
    ----------
    address
        `s3://bucket/folder`, `sftp://host/folder`, or any other that there is a driver for.

    Raises
    ------
    BirthmarkError
        If fsspec or the driver is not installed, the address is none or has a password in it.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            fix = "run `pip install 'birthmark[storage]'`"
            raise BirthmarkError(address, "is reached by fsspec, which is missing", fix) from error
        with self._reached():
            parts = urlsplit(address)
        if parts.password is not None:
            fix = f"leave it out, and set FSSPEC_{parts.scheme.upper()}_PASSWORD"
            raise BirthmarkError("the registry's address", "has a password in it", fix)
        with self._reached():
            try:
                self._files, self.root = url_to_fs(address)
            except ValueError as error:
                fix = "begin it with s3://, gs://, sftp:// or another of fsspec's kinds"
                raise BirthmarkError(address, f"is no address ({error})", fix) from error
            self._files.invalidate_cache()

    def read(self, name: str, limit: int) -> bytes | None:
        """A file's first bytes; None if it isn't there."""
        with self._reached():
            try:
                content: bytes = self._files.cat_file(self._at(name), start=0, end=limit)
            except FileNotFoundError:
                return None
            return content

    def names(self, folder: str) -> set[str]:
        """Of all that lies in a folder; none if it isn't there."""
        return set(self._listed(folder, detail=False))

    def sizes(self, folder: str) -> Sizes:
        """Of the files in a folder; none if it isn't there."""
        listed = self._listed(folder, detail=True).items()
        return {f"{folder}/{name}": _size(one) for name, one in listed if one["type"] == "file"}

    def sizes_below(self, folder: str) -> Sizes:
        """Of the files in all folders in a folder, which object stores list at once."""
        with self._reached():
            found = self._files.find(self._at(folder), detail=True).items()
        return {"/".join([folder, *path.split("/")[-2:]]): _size(one) for path, one in found}

    def fetch(self, sizes: Mapping[str, int], folder: Path) -> None:
        """Fetch files to their places in a local folder, some at a time, each whole or not."""
        waiting: list[str] = []
        held = 0
        for name, size in sizes.items():
            if waiting and (len(waiting) == AT_ONCE or held + size > TOGETHER):
                self._fetch(waiting, folder)
                waiting, held = [], 0
            waiting.append(name)
            held += size
        self._fetch(waiting, folder)

    def copy(self, name: str, file: Path) -> None:
        """Fetch a file that may be too large for the memory."""
        with self._reached():
            self._files.get_file(self._at(name), str(file))

    def put(self, source: Path, below: str = "", last: Collection[str] = ()) -> None:
        """Write all files of a local folder, those of some names after the others."""
        made: set[str] = set()
        with self._reached():
            for file in sorted(files_below(source, MOST), key=lambda one: one.name in last):
                target = self._at(below + file.relative_to(source).as_posix())
                folder = target.rpartition("/")[0]
                if folder not in made:
                    self._files.makedirs(folder, exist_ok=True)
                    made.add(folder)
                self._files.put_file(str(file), target)

    def remove(self, folder: str) -> None:
        """Remove a folder and all in it."""
        with self._reached():
            self._files.rm(self._at(folder), recursive=True)

    def _at(self, name: str) -> str:
        return f"{self.root}/{name}".rstrip("/")

    def _listed(self, folder: str, *, detail: bool) -> dict[str, Any]:
        with self._reached():
            try:
                found = self._files.ls(self._at(folder), detail=detail)
            except FileNotFoundError:
                return {}
        by_path = {str(one["name"] if detail else one).rstrip("/"): one for one in found}
        by_path.pop(self._at(folder), None)
        return {path.rpartition("/")[2]: one for path, one in by_path.items()}

    def _fetch(self, names: Sequence[str], folder: Path) -> None:
        if not names:
            return
        with self._reached():
            told = self._files.cat([self._at(one) for one in names])
        for name in names:
            _keep(folder / name, told[self._at(name)])

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except ImportError as error:
            fix = "install that package with pip"
            raise BirthmarkError(self.address, f"has no driver here ({error})", fix) from error
        except Exception as error:  # each driver raises its own
            raise UnreachableError(
                self.address,
                f"cannot be reached ({type(error).__name__}: {error})",
                "check the address and the connection, then run the command again: it continues",
            ) from error


def _size(told: Mapping[str, Any]) -> int:
    """What a listing tells of a file; too much where it doesn't."""
    size = told.get("size")
    return size if isinstance(size, int) and size >= 0 else sys.maxsize


def _keep(file: Path, content: bytes) -> None:
    """Write a file whole; it needn't outlive a power cut, since it can be fetched again."""
    passing = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        passing.write_bytes(content)
        passing.replace(file)
    except OSError as error:
        raise cannot_write(file, error) from error
