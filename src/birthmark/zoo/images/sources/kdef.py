"""Karolinska Directed Emotional Faces: 4,900 pictures of 70 people and seven emotions."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import ImageSet, Progress, silent
from birthmark.zoo.images.sources.base import (
    SOURCES,
    Samples,
    Source,
    from_files,
    has_parquet,
    parquet,
    require,
)

EMOTIONS = {
    "AF": "afraid",
    "AN": "angry",
    "DI": "disgusted",
    "HA": "happy",
    "NE": "neutral",
    "SA": "sad",
    "SU": "surprised",
}
MISNAMED = {"AF31V": "AF31SAHL", "AM31H": "AM31SUHR"}
"""Two files of the official archive, and the one name that each of their folders lacks."""
NAME = re.compile(r"[AB](?P<person>[FM]\d\d)(?P<emotion>[A-Z]{2})(?P<view>FL|HL|S|HR|FR)")


class Kdef:
    """Colour, 562x762, from the authors' files or `faces` as Parquet with the authors' names.

    Source: Lundqvist, Flykt and Öhman 1998, Karolinska Institutet, ISBN 91-630-7164-9.

    Parameters
    ----------
    views
        `frontal` for the straight view only; None for all five.
    """

    where = (
        "ask for KDEF at https://kdef.se and unpack it here, as "
        "KDEF_and_AKDEF/KDEF/AF01/AF01ANS.JPG, or put its .JPG files into this folder"
    )

    def __init__(self, *, views: str | None = None) -> None:
        self.views = views

    @property
    def name(self) -> str:
        """`kdef`, or `kdef-frontal`."""
        return f"kdef-{self.views}" if self.views else "kdef"

    def __call__(self, folder: Path, progress: Progress = silent) -> Samples:
        """Read the set: people but no splits are known."""
        if has_parquet(folder):
            whole = parquet(folder, ["faces"], self, progress)
            names = _names(folder / "faces.parquet")
            faces = [
                _face(name, entry.name)
                for name, entry in zip(names, whole.images.entries, strict=True)
            ]
            kept = [i for i, face in enumerate(faces) if self._wants(face)]
            samples = replace(whole, images=_subset(whole.images, kept))
            faces = [faces[i] for i in kept]
        else:
            found = [
                (file, face)
                for file in _files(folder, self)
                if self._wants(face := _face(file.name, str(file)))
            ]
            faces = [face for _, face in found]
            labels = [[*EMOTIONS].index(face.emotion) for face in faces]
            images = from_files(folder, [file for file, _ in found], labels, progress)
            samples = Samples(images, tuple(EMOTIONS.values()), ())
        people = sorted({face.person for face in faces})
        number = {person: i for i, person in enumerate(people)}
        return replace(
            samples,
            split=("",) * len(faces),
            people=np.array([number[face.person] for face in faces], np.int64),
        )

    def _wants(self, face: _Face) -> bool:
        return self.views is None or face.view == "S"


@dataclass(frozen=True)
class _Face:
    person: str
    emotion: str
    view: str


def _face(file: str, where: str) -> _Face:
    stem = Path(file).stem.upper()
    match = NAME.fullmatch(MISNAMED.get(stem, stem))
    if match is None:
        raise BirthmarkError(
            where,
            f"{file!r} is not the name of a KDEF picture",
            "name it the way the authors do, such as AF01ANS.JPG, or remove it",
        )
    if match["emotion"] not in EMOTIONS:
        raise BirthmarkError(
            where,
            f"its emotion is {match['emotion']}, not one of {', '.join(EMOTIONS)}",
            "name it the way the authors do or remove it",
        )
    return _Face(match["person"], match["emotion"], match["view"])


def _files(folder: Path, source: Source) -> list[Path]:
    inner = folder / "KDEF_and_AKDEF" / "KDEF"
    root = inner if inner.is_dir() else folder
    files = sorted(file for file in root.rglob("*") if file.suffix.upper() == ".JPG")
    return files or [require(inner / "AF01" / "AF01ANS.JPG", source)]


def _names(path: Path) -> list[str]:
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            cells = table.read(columns=["image.path"])["image"].to_pylist()
    except KeyError as error:
        raise BirthmarkError(
            path, "its images have no path", "write the authors' file names as image.path"
        ) from error
    return [str(cell["path"]) for cell in cells]


def _subset(images: ImageSet, rows: list[int]) -> ImageSet:
    entries = [images.entries[i] for i in rows]
    return ImageSet(images.source, entries, lambda i: bytes(images[rows[i]].data))


SOURCES.register(r"kdef(-(?P<views>frontal))?", example="kdef")(Kdef)
