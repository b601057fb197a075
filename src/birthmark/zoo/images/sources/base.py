"""The protocol of every data set, and what their readers share."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.common.registry import Registry
from birthmark.data.images import ImageSet, Progress, entry_of, read_bytes, silent


@dataclass(frozen=True)
class Samples:
    """A data set: n images with all that is known of them.

    Attributes
    ----------
    images
        The n images; every label is a class, 0 to len(classes) - 1.
    classes
        The classes' names.
    split
        Each image's official split, `train`, `validation` or `test`; "" where the set has none.
    people
        int64 (n,), who is on the image, where that is known.
    pairs
        int64 (k, 4), for face verification: image a, image b, whether both show the same person
        (0 or 1), and the fold (0 to 9).
    """

    images: ImageSet
    classes: tuple[str, ...]
    split: tuple[str, ...]
    people: NDArray[np.int64] | None = None
    pairs: NDArray[np.int64] | None = None


class Source(Protocol):
    """A data set that can be read, as its authors hand it out or as Parquet."""

    @property
    def name(self) -> str:
        """The name that it is registered by."""
        ...

    @property
    def where(self) -> str:
        """Where to get the data and how it must lie in the folder."""
        ...

    def __call__(self, folder: Path, progress: Progress = silent) -> Samples:
        """Read the set; pixels are decoded only when asked for.

        Parameters
        ----------
        folder
            Holds the set in either layout; Parquet is taken where both are.
        progress
            Told of every image.

        Raises
        ------
        BirthmarkError
            If a file is missing, or a row, a name or a label is not of the set.
        """
        ...


SOURCES: Registry[Source] = Registry("data set", "birthmark.zoo.images.sources")


def require(path: Path, source: Source) -> Path:
    """Give back the path of a file or folder.

    Raises
    ------
    BirthmarkError
        If there is none; it says where to get the set.
    """
    if not path.exists():
        raise BirthmarkError(path, f"is missing from the data set {source.name}", source.where)
    return path


def lines(path: Path, source: Source) -> list[str]:
    """The lines of a text file of a set.

    Raises
    ------
    BirthmarkError
        If it is missing, or is no UTF-8 text.
    """
    try:
        return read_bytes(require(path, source)).decode().splitlines()
    except UnicodeDecodeError as error:
        raise BirthmarkError(path, f"is not text ({error})", source.where) from error


def lazy(
    source: str,
    names: Sequence[str],
    labels: Sequence[int],
    read: Callable[[int], bytes],
    progress: Progress,
) -> ImageSet:
    """An image set whose bytes are read once now, for their digests, and again when asked for."""
    entries = []
    for i, (name, label) in enumerate(zip(names, labels, strict=True)):
        entries.append(entry_of(read(i), name, label))
        progress("Reading images", i + 1, len(names))
    return ImageSet(source, entries, read)


def from_files(
    folder: Path, files: Sequence[Path], labels: Sequence[int], progress: Progress
) -> ImageSet:
    """An image set of files, as they are."""
    return lazy(str(folder), [*map(str, files)], labels, lambda i: read_bytes(files[i]), progress)


def has_parquet(folder: Path) -> bool:
    """Whether the set lies there as Parquet."""
    return any(folder.glob("*.parquet"))


def parquet(
    folder: Path, files: Sequence[str], source: Source, progress: Progress = silent
) -> Samples:
    """Read a set from Parquet in the Hugging Face layout.

    The columns are `image: {bytes, path}` and `label`; the schema's metadata names the classes.

    Parameters
    ----------
    folder
        Where the files are.
    files
        Their names without the ending; those named as a split are one.
    source
        The set, for errors.
    progress
        Told of every image.

    Raises
    ------
    BirthmarkError
        If a file is missing or not of this layout, names other classes than the first, or has a
        label that is none of them.
    """
    paths = [require(folder / f"{file}.parquet", source) for file in files]
    named = [_classes_and_rows(path) for path in paths]
    classes = named[0][0]
    for path, (others, _) in zip(paths, named, strict=True):
        if others != classes:
            raise BirthmarkError(
                path, f"names other classes than {paths[0].name}", "give both the same classes"
            )
    images = ImageSet.from_parquet(paths, str(folder), progress)
    for entry in images.entries:
        if not isinstance(entry.label, int) or not 0 <= entry.label < len(classes):
            raise BirthmarkError(
                entry.name, f"label is {entry.label!r}", f"number classes 0 to {len(classes) - 1}"
            )
    split = tuple(
        file if file in ("train", "validation", "test") else ""
        for file, (_, rows) in zip(files, named, strict=True)
        for _ in range(rows)
    )
    return Samples(images, classes, split)


def _classes_and_rows(path: Path) -> tuple[tuple[str, ...], int]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            metadata: dict[bytes, bytes] = table.schema_arrow.metadata or {}
            features: dict[str, Any] = json.loads(metadata[b"huggingface"])["info"]["features"]
            return tuple(map(str, features["label"]["names"])), int(table.metadata.num_rows)
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise BirthmarkError(
            path,
            f"is not Parquet whose schema names the classes ({type(error).__name__}: {error})",
            "write it in the Hugging Face layout, label as ClassLabel",
        ) from error
