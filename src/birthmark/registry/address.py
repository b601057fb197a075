"""Registries by where they are: a folder, or an fsspec address such as `s3://bucket/registry`."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import ImageSet
from birthmark.fingerprint import Fingerprint
from birthmark.models.adapters import Suspect
from birthmark.registry.index import Index, Survey
from birthmark.registry.mirror import Mirror
from birthmark.registry.registry import SKETCH, Registry
from birthmark.registry.store import UnreachableError


def is_address(where: str | Path) -> bool:
    """Whether it is an fsspec address, not a folder."""
    return "://" in str(where)


def open_registry(where: str | Path) -> Registry:
    """Open a registry in a folder or at an address, and check its task set.

    Raises
    ------
    BirthmarkError
        As `Registry.open`; if the address can't be reached, or fsspec's driver is missing.
    """
    if not is_address(where):
        return Registry.open(where)
    mirror = Mirror(str(where))
    try:
        mirror.fetch_task_set()
        opened = Registry.open(mirror.folder)
    except UnreachableError:
        raise
    except BirthmarkError as error:
        shutil.rmtree(mirror.folder, ignore_errors=True)
        subject = error.subject.replace(str(mirror.folder), mirror.store.address)
        raise BirthmarkError(subject, error.problem, error.fix) from error
    return Mirrored(mirror.folder, opened.about, opened.probes, mirror)


def new_registry(where: str | Path, images: ImageSet, *options: Any) -> Registry:
    """Make a registry as `Registry.new` does, in a folder or at an address.

    Raises
    ------
    BirthmarkError
        As `Registry.new`; if the address can't be written to, or fsspec's driver is missing.
    """
    if not is_address(where):
        return Registry.new(Path(where), images, *options)
    mirror = Mirror(str(where))
    if held := sorted(mirror.store.names("")):
        raise BirthmarkError(where, f"is not empty: it holds {held[0]}", "name a new or empty one")
    with tempfile.TemporaryDirectory() as folder:
        Registry.new(Path(folder, "new"), images, *options)
        mirror.put(Path(folder, "new"))
    return open_registry(where)


@dataclass(frozen=True)
class Mirrored(Registry):
    """A registry at an address, of which a local folder holds what was needed so far.

    Attributes
    ----------
    mirror
        Fetches what is needed.
    """

    mirror: Mirror

    _whole: ClassVar[tuple[str, ...]] = (SKETCH,)

    def add(self, fingerprint: str | Path, model: Suspect, *more: Any, **named: Any) -> str:
        """As a registry's: written here first, then to the address."""
        with tempfile.TemporaryDirectory() as folder:
            passing = Registry(Path(folder), self.about, self.probes)
            name = passing.add(fingerprint, model, *more, **named)
            if self._has(name):
                raise BirthmarkError(name, "is already in the registry", "there is nothing to do")
            self.mirror.put(Path(folder))
        self.mirror.forget(name)
        return name

    def sealed(self, name: str) -> Fingerprint:
        """As a registry's, fetched now."""
        self.mirror.fetch_fingerprint(name)
        try:
            return super().sealed(name)
        except BirthmarkError:
            self.mirror.forget(name)
            raise

    def _has(self, name: str) -> bool:
        self.mirror.forget(name)
        self.mirror.fetch_fingerprint(name)
        return super()._has(name)

    def _folders(self) -> list[str]:
        return self.mirror.names

    @cached_property
    def _old(self) -> Index | None:
        self.mirror.fetch_index()
        return super()._old

    @cached_property
    def _surveyed(self) -> Survey:
        known = set() if self._old is None else set(self._old.names.tolist())
        self.mirror.fetch_sketches([one for one in self._folders() if one.encode() not in known])
        survey = super()._surveyed
        for name in survey.problems:
            self.mirror.forget(name)
        return survey

    @cached_property
    def _index(self) -> Index:
        models = self._surveyed.models
        before = self._indices()
        index = super()._index
        if index.folder not in before:
            self.mirror.put_index(index.folder, len(models))
        return index
