"""A folder of protected models that a suspect is looked up in."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from birthmark.bundle.manifest import ImageSetRecord, ProbeRecord
from birthmark.common.digests import canonical_json, sha256
from birthmark.common.errors import BirthmarkError
from birthmark.common.files import read_bytes, whole_folder
from birthmark.data.images import Image, ImageSet, Progress, silent
from birthmark.data.outputs import Kind, Outputs
from birthmark.fingerprint import Fingerprint
from birthmark.models.adapters import Suspect
from birthmark.models.queries import ask
from birthmark.probes import PROBES, Draw
from birthmark.registry.documents import (
    LEAST_PROBES,
    MOST_PROBES,
    SKETCH_FORMAT,
    RegistryFile,
    SketchFile,
    read_document,
    task_digest,
)
from birthmark.registry.index import ANSWERS, LABELS, PARTIAL, WEIGHTS, Index, Survey, write
from birthmark.registry.search import nearest
from birthmark.registry.sketch import Sketches, sketch

FILE, SKETCH, FINGERPRINT = "registry.json", "sketch.json", "fingerprint.birthmark"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,50}-[0-9a-f]{12}")
"""Of a model's folder: what its fingerprint's file was called, and how its seal begins."""
MAX_IMAGE = 64 << 20
NEAREST = 10
"""How many candidates are audited."""
INDEX = "index-"


class Near(NamedTuple):
    """A protected model, and how like it a suspect answers, or its weights are.

    Attributes
    ----------
    name
        Its folder's.
    cosine
        Of the sketches, weighted, -1 to 1.
    chance
        How often a model of the registry comes as near to any other one, above 0 to 1.
    """

    name: str
    cosine: float
    chance: float


@dataclass(frozen=True)
class Registry:
    """Protected models with one task set.

    `registry.json` and `probes/` are the task set: images that every protected model was asked
    about, and every suspect is. `models/NAME/` has a model's fingerprint and its sketch; NAME ends
    with how the fingerprint's seal begins, so that folders of two registries with one task set can
    be copied together. `index-*` is made from these.

    Attributes
    ----------
    folder
        Where it is.
    about
        What `registry.json` holds.
    probes
        The task set's images.
    """

    folder: Path
    about: RegistryFile
    probes: list[Image]

    _whole: ClassVar[tuple[str, ...]] = (SKETCH, FINGERPRINT)

    @classmethod
    def new(
        cls,
        folder: Path,
        images: ImageSet,
        n: int = 100,
        seed: int = 0,
        resize: tuple[int, int] | None = None,
    ) -> Registry:
        """Draw a task set and write an empty registry.

        Parameters
        ----------
        folder
            A new folder.
        images
            A public set of the models' task; what it was trained on may be among it.
        n
            How many probes, 20 to 300.
        seed
            Draws them, as an enrolment draws its own.
        resize
            (width, height) to bring every image to first.

        Raises
        ------
        BirthmarkError
            If the set is too small or of mixed sizes, or the folder holds something already.
        """
        if not LEAST_PROBES <= n <= MOST_PROBES:
            raise BirthmarkError("-n", f"is {n}", f"pass {LEAST_PROBES} to {MOST_PROBES}")
        draw = Draw(images.digest, None, seed)
        probes = PROBES.make("natural").select(images, None, n, draw, resize)
        records = [
            ProbeRecord(file=one.name, digest=one.digest, pixels=one.pixel_digest, label=one.label)
            for one in probes
        ]
        about = RegistryFile(
            task=task_digest(records),
            images=ImageSetRecord(digest=images.digest, count=len(images), resize=resize),
            seed=seed,
            probes=records,
        )
        with whole_folder(folder) as passing:
            (passing / "models").mkdir()
            (passing / "probes").mkdir()
            for one in probes:
                (passing / "probes" / one.name).write_bytes(one.data)
            (passing / FILE).write_bytes(canonical_json(about.model_dump(mode="json")))
        return cls(folder, about, probes)

    @classmethod
    def open(cls, folder: str | Path) -> Registry:
        """Open a registry and check its task set.

        Raises
        ------
        BirthmarkError
            If it is none, or a probe is missing, altered, or decodes to other pixels here.
        """
        folder = Path(folder)
        if not (folder / FILE).exists():
            raise BirthmarkError(
                folder, "is not a registry", "name one, or make one with `birthmark registry new`"
            )
        about = read_document(folder / FILE, RegistryFile)
        probes = []
        for record in about.probes:
            file = folder / "probes" / record.file
            image = Image(read_bytes(file, MAX_IMAGE), record.file, record.label)
            if image.digest != record.digest or image.pixel_digest != record.pixels:
                raise BirthmarkError(
                    file, "is not the probe that registry.json names (digest)", "get another copy"
                )
            probes.append(image)
        return cls(folder, about, probes)

    def add(self, fingerprint: str | Path, model: Suspect, weights: Sketches | None = None) -> str:
        """Ask a protected model the task set, and keep its sketch beside its fingerprint.

        Parameters
        ----------
        fingerprint
            Its `.birthmark` file.
        model
            The model, which must be the fingerprint's victim.
        weights
            The sketch of the weights in its file, int8 (2048,), if they can be read.

        Returns
        -------
        str
            What it is called here.

        Raises
        ------
        BirthmarkError
            If the model is another than the fingerprint's, or its answers can't be sketched.
        """
        fingerprint = Path(fingerprint)
        sealed = Fingerprint.open(fingerprint)
        victim, given = sealed.manifest.victim, model.description
        if None not in (victim.digest, given.digest) and victim.digest != given.digest:
            raise BirthmarkError(
                given.name,
                f"is not the file that {fingerprint.name} was enrolled from (digest)",
                f"name {victim.name} as it was at enrolment",
            )
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", fingerprint.stem).strip("-._")[:50] or "model"
        name = f"{stem}-{_short(sealed.seal)}"
        if self._has(name):
            raise BirthmarkError(name, "is already in the registry", "there is nothing to do")
        answers = ask(model, self.probes)
        labels = answers.kind.tells_classes
        told = SketchFile(
            task=self.about.task,
            fingerprint=sealed.seal,
            answers=sketch(answers).tolist(),
            labels=sketch(answers.to(Kind.LABELS)).tolist() if labels else None,
            weights=None if weights is None else weights.tolist(),
        )
        shutil.rmtree(self.folder / "models" / name, ignore_errors=True)
        with whole_folder(self.folder / "models" / name) as passing:
            (passing / FINGERPRINT).write_bytes(fingerprint.read_bytes())
            (passing / SKETCH).write_bytes(canonical_json(told.model_dump(mode="json")))
        return name

    @cached_property
    def models(self) -> list[str]:
        """Names of the models that can be searched, sorted."""
        return self._surveyed.models

    @cached_property
    def problems(self) -> dict[str, str]:
        """What else lies in `models/`, and why it can't be searched; it is in nobody's way."""
        return self._surveyed.problems

    @cached_property
    def state(self) -> str:
        """Digest of the sketches' format, the task set, and the names, which stand for models."""
        names = (f"\n{name}".encode() for name in self.models)
        return sha256(f"{SKETCH_FORMAT}\n{self.about.task}".encode(), *names)

    def fingerprint_of(self, name: str) -> Path:
        """A model's fingerprint file."""
        return self.folder / "models" / name / FINGERPRINT

    def sealed(self, name: str) -> Fingerprint:
        """Open a model's fingerprint.

        Raises
        ------
        BirthmarkError
            If it is not the one that the model was added with.
        """
        opened_ = Fingerprint.open(self.fingerprint_of(name))
        if opened_.seal != self._sketch_of(name).fingerprint:
            raise BirthmarkError(
                self.fingerprint_of(name), "is not the file that was added (digest)", "add it again"
            )
        return opened_

    def nearest(
        self, suspect: Suspect, k: int = NEAREST, progress: Progress = silent
    ) -> list[Near]:
        """Ask a suspect the task set, and find the models that answer most alike.

        Parameters
        ----------
        suspect
            A model that answers each image; how many classes it has does not matter.
        k
            How many to find.
        progress
            Is told how far the asking is.

        Raises
        ------
        BirthmarkError
            If it fails, refuses a probe, or answers all alike; if nothing can be searched.
        """
        return self.nearest_to(ask(suspect, self.probes, progress), k)

    def nearest_to(self, answers: Outputs, k: int = NEAREST) -> list[Near]:
        """As `nearest`, of a suspect's answers to the task set."""
        kind = LABELS if answers.kind is Kind.LABELS else ANSWERS
        if not len(self._index.of(kind)):
            raise BirthmarkError(
                self.folder,
                f"holds no models whose {kind} can be searched",
                "see `birthmark registry list`",
            )
        return self._nearest(kind, sketch(answers), k)

    def nearest_by_weights(self, weights: Sketches, k: int = NEAREST) -> list[Near]:
        """The models whose files' weights are most alike; none where none has such a sketch."""
        return self._nearest(WEIGHTS, weights, k)

    @property
    def weighed(self) -> int:
        """How many models have a sketch of their weights."""
        return sum(self._surveyed.having[WEIGHTS])

    def _nearest(self, kind: str, query: Sketches, k: int) -> list[Near]:
        index = self._index
        names = index.of(kind)
        return [
            Near(names[one.place].decode(), one.cosine, index.chance(kind, one.cosine))
            for one in nearest(index.rows[kind], query, k)
        ]

    @cached_property
    def _index(self) -> Index:
        folder = self.folder / f"{INDEX}{_short(self.state)}"
        return self._whole_index(folder) or self._written(folder)

    def _whole_index(self, folder: Path) -> Index | None:
        there = Index.opened(folder)
        same = there is not None and there.names.tolist() == [one.encode() for one in self.models]
        return there if same else None

    def _written(self, folder: Path) -> Index:
        """Write an index; if another process does so too, either's will do."""
        survey = self._surveyed
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
        failed = BirthmarkError(folder, "can't be read back", "try again")
        try:
            write(folder, survey.models, survey.having, self._old, self._numbers_of)
        except BirthmarkError as error:
            failed = error
        there = self._whole_index(folder)
        if there is None:
            raise failed
        for other in self._indices():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        return there

    @cached_property
    def _old(self) -> Index | None:
        found = (Index.opened(one) for one in self._indices())
        return max(filter(None, found), key=lambda one: len(one.names), default=None)

    def _indices(self) -> list[Path]:
        return sorted(self.folder.glob(f"{INDEX}*"))

    @cached_property
    def _surveyed(self) -> Survey:
        """All folders are listed; only those that no index has are looked into."""
        old = self._old
        known: dict[str, tuple[bool, ...]] = {}
        if old is not None:
            names = (one.decode("ascii", "replace") for one in old.names.tolist())
            flags = zip(*(old.having[kind].tolist() for kind in PARTIAL), strict=True)
            known = dict(zip(names, flags, strict=True))
        found = Survey([], {kind: [] for kind in PARTIAL}, {})
        for name in self._folders():
            having = known.get(name)
            if having is None:
                try:
                    read = self._sketch_of(name)
                except BirthmarkError as error:
                    found.problems[name] = f"{error.problem}; {error.fix}"
                    continue
                having = tuple(getattr(read, kind) is not None for kind in PARTIAL)
            found.models.append(name)
            for kind, has in zip(PARTIAL, having, strict=True):
                found.having[kind].append(has)
        return found

    def _folders(self) -> list[str]:
        folder = self.folder / "models"
        try:
            with os.scandir(folder) as entries:
                return sorted(entry.name for entry in entries)
        except OSError as error:
            raise BirthmarkError(
                folder, f"cannot be opened: {error.strerror}", "name another registry"
            ) from error

    def _has(self, name: str) -> bool:
        """Whether a model is here, whole and unaltered."""
        with suppress(BirthmarkError):
            return bool(self.sealed(name).seal)
        return False

    def _sketch_of(self, name: str) -> SketchFile:
        folder = self.folder / "models" / name
        if not NAME.fullmatch(name):
            raise BirthmarkError(name, "is not a model's folder, or was not finished", "remove it")
        if not all((folder / one).exists() for one in self._whole):
            raise BirthmarkError(name, "is half written or half copied", "copy or add it again")
        read = read_document(folder / SKETCH, SketchFile)
        if read.task != self.about.task:
            raise BirthmarkError(
                name,
                f"was asked another set of images ({read.task[:19]}...)",
                "add its fingerprint here, with its model",
            )
        if not name.endswith(_short(read.fingerprint)):
            raise BirthmarkError(name, "belongs to a fingerprint with another seal", "add it again")
        return read

    def _numbers_of(self, kind: str, name: str) -> Sketches:
        return np.array(getattr(self._sketch_of(name), kind), np.int8)


def _short(seal: str) -> str:
    return seal.removeprefix("sha256:")[:12]
