"""A folder of this machine that follows a registry at an fsspec address."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from birthmark.common.digests import sha256
from birthmark.common.errors import BirthmarkError
from birthmark.common.files import MAX_READ, files_below, whole_file, whole_folder
from birthmark.registry.documents import MAX_BYTES, RegistryFile, read_document
from birthmark.registry.index import Index
from birthmark.registry.registry import FILE, FINGERPRINT, INDEX, MAX_IMAGE, NAME, SKETCH

Sizes = dict[str, int]
"""Of files, by their place below the address, in bytes."""

LAST = (SKETCH, FILE, "names.npy")
"""Written after all other files of their folders, which count only once these are there."""
FEW, SHARE = 100, 0.01
"""So many sketches, or such a share of all, are fetched one by one; for more, an index is."""
AT_ONCE, TOGETHER = 500, 64 << 20
"""Files that are fetched at a time, and their bytes."""
MAX_INDEX = 8 << 30
INDEX_NAME = re.compile(INDEX + "[0-9a-f]{12}")
INDEX_FILE = re.compile(r"[a-z]+(-[a-z]+)?\.npy")


class UnreachableError(BirthmarkError):
    """An address can't be reached now; nothing is known of what is there."""


class Mirror:
    """What was fetched of a registry so far, in the user's cache.

    A model's folder never changes, since its name ends with a seal: what is new is fetched when it
    is wanted, and what is gone is dropped. Names and sizes are a stranger's: only what is named as
    a registry's files are is touched, and nothing is fetched that is larger than it may be.

    Parameters
    ----------
    address
        `s3://bucket/folder`, `sftp://host/folder`, or any other that fsspec has a driver for.

    Attributes
    ----------
    address
        The same.
    folder
        Where it is kept.

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
        parts = urlsplit(address)
        if parts.password is not None:
            fix = f"leave it out, and set FSSPEC_{parts.scheme.upper()}_PASSWORD"
            raise BirthmarkError("the registry's address", "has a password in it", fix)
        with self.reached():
            self._files, self._root = url_to_fs(address)
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        digest = sha256(f"{address}\n{self._root}".encode()).removeprefix("sha256:")
        self.folder = Path(cache, "birthmark", "registries", digest[:32])

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Turn whatever a driver raises into one line that names the address.

        Raises
        ------
        BirthmarkError
            If something was raised.
        """
        try:
            yield
        except BirthmarkError:
            raise
        except ImportError as error:
            fix = "install that package with pip"
            raise BirthmarkError(self.address, f"has no driver here ({error})", fix) from error
        except Exception as error:  # each driver raises its own
            raise UnreachableError(
                self.address,
                f"cannot be reached ({type(error).__name__}: {error})",
                "check the address and the connection, then run the command again: it continues",
            ) from error

    def fetch_task_set(self) -> None:
        """Fetch `registry.json`, and its probes if they are not here yet.

        Raises
        ------
        BirthmarkError
            If it is no registry, or can't be reached.
        """
        with self.reached():
            self._files.invalidate_cache()
            try:
                about = self._files.cat_file(self._at(FILE), start=0, end=MAX_BYTES + 1)
            except FileNotFoundError as error:
                fix = "name one, or make one with `birthmark registry new`"
                raise BirthmarkError(self.address, "is not a registry", fix) from error
        file = self.folder / FILE
        if not file.exists() or file.read_bytes() != about:
            shutil.rmtree(self.folder, ignore_errors=True)
            with whole_file(file) as passing:
                passing.write_bytes(about)
        probes = [f"probes/{one.file}" for one in read_document(file, RegistryFile).probes]
        missing = [one for one in probes if not (self.folder / one).exists()]
        sizes = self._sizes("probes") if missing else {}
        self._fetch({one: sizes[one] for one in missing if one in sizes}, MAX_IMAGE)

    @cached_property
    def names(self) -> list[str]:
        """Of all that lies in `models/`, sorted; what is gone there is dropped here."""
        names = sorted(self._listed("models"))
        models = self.folder / "models"
        for other in {one.name for one in models.glob("*")} - set(names):
            self.forget(other)
        return names

    def fetch_index(self) -> None:
        """Fetch the largest index, if what is here lacks too many models."""
        found = [one for one in map(Index.opened, self.folder.glob(f"{INDEX}*")) if one is not None]
        known = {name.decode("ascii", "replace") for one in found for name in one.names.tolist()}
        if _few(len(set(self.names) - known), len(self.names)):
            return
        there = self._indices()
        name = max(there, key=lambda one: _models(there[one]), default="")
        if not name or (self.folder / name).exists() or sum(there[name].values()) > MAX_INDEX:
            return
        with whole_folder(self.folder / name) as passing, self.reached():
            for file in there[name]:
                self._files.get_file(self._at(file), str(passing / Path(file).name))

    def fetch_sketches(self, names: Sequence[str]) -> None:
        """Fetch sketches that are not here, of models whose folders are whole."""
        new = [f"models/{one}/{SKETCH}" for one in names if NAME.fullmatch(one)]
        new = [one for one in new if not (self.folder / one).exists()]
        sizes = self._sizes_of([one.split("/")[1] for one in new])
        whole = [one for one in new if one in sizes and one.replace(SKETCH, FINGERPRINT) in sizes]
        self._fetch({one: sizes[one] for one in whole if sizes[one] <= MAX_BYTES}, MAX_BYTES)

    def fetch_fingerprint(self, name: str) -> None:
        """Fetch a model's fingerprint and sketch, if they are not here."""
        file = f"models/{name}/{FINGERPRINT}"
        if not NAME.fullmatch(name) or (self.folder / file).exists():
            return
        self.fetch_sketches([name])
        self._fetch(
            {one: size for one, size in self._sizes_of([name]).items() if one == file}, MAX_READ
        )

    def forget(self, name: str) -> None:
        """Drop what is here of a model, so that it is fetched again when it is wanted."""
        shutil.rmtree(self.folder / "models" / name, ignore_errors=True)

    def holds(self, name: str) -> bool:
        """Whether a model's folder is there and whole."""
        return len(self._sizes_of([name])) > 1

    def require_new(self) -> None:
        """Refuse an address that holds something.

        Raises
        ------
        BirthmarkError
            If it does, or can't be reached.
        """
        if held := sorted(self._listed("")):
            fix = "name a new or empty folder"
            raise BirthmarkError(self.address, f"is not empty: it holds {held[0]}", fix)

    def put(self, source: Path, below: str = "") -> None:
        """Write all files of a folder to the address, those that make others count last.

        Raises
        ------
        BirthmarkError
            If it can't be reached, or may not be written.
        """
        files = files_below(source, 10_000)
        with self.reached():
            for file in sorted(files, key=lambda one: one.name in LAST):
                target = self._at(below + file.relative_to(source).as_posix())
                self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
                self._files.put_file(str(file), target)

    def put_index(self, folder: Path, models: int) -> None:
        """Write an index that others can fetch, if those that are there lack too many models.

        It is a cache: whoever may not write, does without.
        """
        with suppress(BirthmarkError):
            there = self._indices()
            if _few(models - max(map(_models, there.values()), default=0), models):
                return
            self.put(folder, f"{folder.name}/")
            with self.reached():
                for other in there.keys() - {folder.name}:
                    self._files.rm(self._at(other), recursive=True)

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}".rstrip("/")

    def _listed(self, folder: str, *, detail: bool = False) -> dict[str, Any]:
        """What fsspec tells of all that lies in a folder, by name; nothing if it isn't there."""
        with self.reached():
            try:
                found = self._files.ls(self._at(folder), detail=detail)
            except FileNotFoundError:
                return {}
        paths = {str(one["name"] if detail else one).rstrip("/"): one for one in found}
        return {
            path.rpartition("/")[2]: one for path, one in paths.items() if path != self._at(folder)
        }

    def _sizes(self, folder: str) -> Sizes:
        found = self._listed(folder, detail=True)
        return {
            f"{folder}/{name}": one["size"] for name, one in found.items() if one["type"] == "file"
        }

    def _sizes_of(self, names: Sequence[str]) -> Sizes:
        """Sizes of models' files: of many by one listing of all, which object stores do at once."""
        if len(names) <= FEW:
            return {
                file: size for one in names for file, size in self._sizes(f"models/{one}").items()
            }
        with self.reached():
            found = self._files.find(self._at("models"), detail=True)
        return {
            "/".join(["models", *path.split("/")[-2:]]): one["size"] for path, one in found.items()
        }

    def _indices(self) -> dict[str, Sizes]:
        """Files of the indices there, by the index's name."""
        there = {one: self._sizes(one) for one in self._listed("") if INDEX_NAME.fullmatch(one)}
        return {
            name: {one: size for one, size in sizes.items() if INDEX_FILE.fullmatch(Path(one).name)}
            for name, sizes in there.items()
            if f"{name}/names.npy" in sizes
        }

    def _fetch(self, sizes: Mapping[str, int], limit: int) -> None:
        """Fetch files of at most `limit` bytes each, some at a time."""
        waiting: list[str] = []
        for name, size in sizes.items():
            if size > limit:
                raise BirthmarkError(
                    f"{self.address}/{name}", f"is over {limit:,} bytes", "remove it"
                )
            if len(waiting) == AT_ONCE or sum(map(sizes.__getitem__, waiting)) + size > TOGETHER:
                self._fetch_now(waiting)
                waiting = []
            waiting.append(name)
        self._fetch_now(waiting)

    def _fetch_now(self, names: Sequence[str]) -> None:
        if not names:
            return
        with self.reached():
            told = self._files.cat([self._at(one) for one in names])
        for name in names:
            with whole_file(self.folder / name) as passing:
                passing.write_bytes(told[self._at(name)])


def _few(lacking: int, models: int) -> bool:
    return lacking <= max(FEW, SHARE * models)


def _models(index: Sizes) -> int:
    """How many models an index has, from the size of its names: 64 bytes each, and a head."""
    return (
        max(0, next(size for one, size in index.items() if one.endswith("/names.npy")) - 128) // 64
    )
