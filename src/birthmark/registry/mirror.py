"""A folder of this machine that follows a registry at an address."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from birthmark.common.digests import sha256
from birthmark.common.errors import BirthmarkError
from birthmark.common.files import MAX_READ, whole_file, whole_folder
from birthmark.registry.documents import MAX_BYTES, RegistryFile, read_document
from birthmark.registry.index import Index
from birthmark.registry.registry import FILE, FINGERPRINT, INDEX, MAX_IMAGE, NAME, SKETCH
from birthmark.registry.store import Sizes, Store, UnreachableError

LAST = (SKETCH, FILE, "names.npy")
"""Written after all other files of their folders, which count only once these are there."""
FEW, SHARE = 100, 0.01
"""So many sketches, or such a share of all, are fetched one by one; for more, an index is."""
MAX_INDEX = 8 << 30
INDEX_NAME = re.compile(INDEX + "[0-9a-f]{12}")
INDEX_FILE = re.compile(r"[a-z]+(-[a-z]+)?\.npy")


class Mirror:
    """What was fetched of a registry so far, in the user's cache.

    A model's folder never changes, since its name ends with a seal: what is new is fetched when it
    is wanted, and what is gone is dropped. Names and sizes are a stranger's: only what is named as
    a registry's files are is touched, and nothing is fetched that is larger than it may be.

    Parameters
    ----------
    address
        As for `Store`.

    Attributes
    ----------
    store
        What is at the address.
    folder
        Where the mirror is kept.

    Raises
    ------
    BirthmarkError
        As `Store`; all methods raise `UnreachableError` where the address can't be reached.
    """

    def __init__(self, address: str) -> None:
        self.store = Store(address)
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        digest = sha256(f"{address}\n{self.store.root}".encode()).removeprefix("sha256:")
        self.folder = Path(cache, "birthmark", "registries", digest[:32])

    def fetch_task_set(self) -> None:
        """Fetch `registry.json`, and its probes if they are not here yet.

        Raises
        ------
        BirthmarkError
            If it is no registry.
        """
        about = self.store.read(FILE, MAX_BYTES + 1)
        if about is None:
            fix = "name one, or make one with `birthmark registry new`"
            raise BirthmarkError(self.store.address, "is not a registry", fix)
        file = self.folder / FILE
        if not file.exists() or file.read_bytes() != about:
            shutil.rmtree(self.folder, ignore_errors=True)
            with whole_file(file) as passing:
                passing.write_bytes(about)
        probes = [f"probes/{one.file}" for one in read_document(file, RegistryFile).probes]
        missing = [one for one in probes if not (self.folder / one).exists()]
        if missing:
            self._fetch(missing, self.store.sizes("probes"), MAX_IMAGE)

    @cached_property
    def names(self) -> list[str]:
        """Of all that lies in `models/`, sorted; what is gone there is dropped here."""
        names = self.store.names("models")
        for other in {one.name for one in (self.folder / "models").glob("*")} - names:
            self.forget(other)
        return sorted(names)

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
        with whole_folder(self.folder / name) as passing:
            for file in there[name]:
                self.store.copy(file, passing / Path(file).name)

    def fetch_sketches(self, names: Sequence[str]) -> None:
        """Fetch sketches that are not here, of models whose folders are whole."""
        new = {one: f"models/{one}/{SKETCH}" for one in names if NAME.fullmatch(one)}
        new = {one: file for one, file in new.items() if not (self.folder / file).exists()}
        sizes = self._sizes_of(list(new))
        whole = [file for one, file in new.items() if f"models/{one}/{FINGERPRINT}" in sizes]
        self._fetch(whole, sizes, MAX_BYTES)

    def fetch_fingerprint(self, name: str) -> None:
        """Fetch a model's fingerprint and sketch, if they are not here."""
        file = f"models/{name}/{FINGERPRINT}"
        if NAME.fullmatch(name) and not (self.folder / file).exists():
            sizes = self._sizes_of([name])
            self._fetch([f"models/{name}/{SKETCH}"], sizes, MAX_BYTES)
            self._fetch([file], sizes, MAX_READ)

    def forget(self, name: str) -> None:
        """Drop what is here of a model, so that it is fetched again when it is wanted."""
        if NAME.fullmatch(name):
            shutil.rmtree(self.folder / "models" / name, ignore_errors=True)

    def put(self, source: Path, below: str = "") -> None:
        """Write all files of a local folder to the address, those that make others count last."""
        self.store.put(source, below, LAST)

    def put_index(self, folder: Path, models: int) -> None:
        """Write an index that others can fetch, if those that are there lack too many models.

        It is a cache: whoever may not write, does without.
        """
        with suppress(UnreachableError):
            there = self._indices()
            if _few(models - max(map(_models, there.values()), default=0), models):
                return
            self.put(folder, f"{folder.name}/")
            for other in there.keys() - {folder.name}:
                self.store.remove(other)

    def _sizes_of(self, names: Sequence[str]) -> Sizes:
        if len(names) > FEW:
            return self.store.sizes_below("models")
        folders = (self.store.sizes(f"models/{one}") for one in names)
        return {file: size for sizes in folders for file, size in sizes.items()}

    def _indices(self) -> dict[str, Sizes]:
        """Sizes of the files of each whole index at the address."""
        names = filter(INDEX_NAME.fullmatch, self.store.names(""))
        there = {one: self.store.sizes(one) for one in names}
        return {
            name: {one: size for one, size in sizes.items() if INDEX_FILE.fullmatch(Path(one).name)}
            for name, sizes in there.items()
            if f"{name}/names.npy" in sizes
        }

    def _fetch(self, files: Sequence[str], sizes: Sizes, limit: int) -> None:
        """Fetch those of the files that are there and not too large."""
        fit = {one: sizes[one] for one in files if sizes.get(one, limit + 1) <= limit}
        self.store.fetch(fit, self.folder)


def _few(lacking: int, models: int) -> bool:
    return lacking <= max(FEW, SHARE * models)


def _models(index: Sizes) -> int:
    """How many models an index has, from the size of its names: 64 bytes each, and a head."""
    return next(size for one, size in index.items() if one.endswith("/names.npy")) // 64
