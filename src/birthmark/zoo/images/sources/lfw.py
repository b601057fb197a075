"""Labeled Faces in the Wild: 13,233 faces of 5,749 people, and 6,000 pairs to verify."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, Progress, encoded, read_bytes, silent
from birthmark.zoo.images.sources.base import (
    SOURCES,
    Samples,
    Source,
    has_parquet,
    lazy,
    lines,
    parquet,
    require,
)

FOLDERS = ("lfw-deepfunneled", "lfw_funneled", "lfw")
SIDE = 112

Rows = dict[tuple[str, int], int]


class Lfw:
    """The central 112x112 of each face; the classes are the people.

    Read from the authors' folder of images and `pairs.txt`, or from `faces` and `pairs` as
    Parquet. Source: Huang et al. 2007, "Labeled Faces in the Wild", UMass Amherst 07-49.
    """

    name = "lfw"
    where = (
        "get lfw-deepfunneled.tgz (or lfw.tgz) and pairs.txt from http://vis-www.cs.umass.edu/lfw/"
        " and unpack them here, as lfw-deepfunneled/NAME/NAME_0001.jpg beside pairs.txt; the "
        "folder lfw_home of scikit-learn's fetch_lfw_pairs will do"
    )

    def __call__(self, folder: Path, progress: Progress = silent) -> Samples:
        """Read the set: people and pairs (View 2) but no splits are known."""
        if has_parquet(folder):
            pairs = require(folder / "pairs.parquet", self)
            samples = parquet(folder, ["faces"], self, progress)
            people = np.array([entry.label for entry in samples.images.entries], np.int64)
            return replace(samples, people=people, pairs=_read_pairs(pairs, len(people)))
        found = [folder / name for name in FOLDERS if (folder / name).is_dir()]
        root = found[0] if found else require(folder / FOLDERS[0], self)
        files = sorted(root.glob("*/*.jpg"))
        rows = {_who(file): i for i, file in enumerate(files)}
        pairs_of = _pairs(folder / "pairs.txt", rows, root, self)
        classes = tuple(sorted({person for person, _ in rows}))
        number = {person: label for label, person in enumerate(classes)}
        people = np.array([number[person] for person, _ in rows], np.int64)

        def read(i: int) -> bytes:
            return _centre(files[i])

        images = lazy(str(folder), [*map(str, files)], people.tolist(), read, progress)
        return Samples(images, classes, ("",) * len(files), people, pairs_of)


def _who(file: Path) -> tuple[str, int]:
    person, _, number = file.stem.rpartition("_")
    if person != file.parent.name or not number.isdecimal():
        raise BirthmarkError(
            file, "is not named after its folder", f"name it {file.parent.name}_0001.jpg or so"
        )
    return person, int(number)


def _centre(file: Path) -> bytes:
    pixels = Image(read_bytes(file), str(file)).pixels
    height, width, channels = pixels.shape
    if min(height, width) < SIDE:
        raise BirthmarkError(file, f"is {width}x{height}, under {SIDE} a side", "get it again")
    top, left = (height - SIDE) // 2, (width - SIDE) // 2
    centre = pixels[top : top + SIDE, left : left + SIDE]
    return encoded(Pillow.fromarray(centre[:, :, 0] if channels == 1 else centre), "PPM")


def _pairs(path: Path, rows: Rows, root: Path, source: Source) -> NDArray[np.int64]:
    head, *body = lines(path, source) or [""]
    try:
        folds, half = map(int, head.split())
    except ValueError as error:
        raise BirthmarkError(
            f"{path} line 1", f"is {head!r}, not folds and pairs", "get the file of View 2 again"
        ) from error
    if folds < 1 or half < 1 or len(body) != folds * 2 * half:
        raise BirthmarkError(
            path, f"has {len(body)} pairs, not {folds} x 2 x {half}", "get the file again"
        )
    pairs = []
    for i, line in enumerate(body):
        cells, where = line.split(), f"{path} line {i + 2}"
        same = len(cells) == 3
        if len(cells) not in (3, 4) or not (cells[1].isdecimal() and cells[-1].isdecimal()):
            raise BirthmarkError(where, f"is {line!r}", "write name i j, or name i name j")
        first = (cells[0], int(cells[1]))
        second = (cells[0] if same else cells[2], int(cells[-1]))
        for name, number in (first, second):
            if (name, number) not in rows:
                raise BirthmarkError(
                    where,
                    f"names {name}_{number:04d}.jpg, which is not in {root.name}",
                    "unpack the images again",
                )
        pairs.append((rows[first], rows[second], int(same), i // (2 * half)))
    return np.array(pairs, np.int64)


def _read_pairs(path: Path, count: int) -> NDArray[np.int64]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
        columns = [table[name].to_numpy() for name in ("a", "b", "same", "fold")]
        pairs = np.stack(columns, axis=1).astype(np.int64, casting="safe")
    except (pyarrow.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise BirthmarkError(
            path, f"holds no integers a, b, same, fold ({error})", "write it again"
        ) from error
    limits = np.array([count, count, 2, 10])
    wrong = np.flatnonzero(((pairs < 0) | (pairs >= limits)).any(axis=1))
    if wrong.size:
        a, b, same, fold = pairs[wrong[0]]
        raise BirthmarkError(
            f"{path} row {wrong[0]}",
            f"is a={a}, b={b}, same={same}, fold={fold} of {count} faces and 10 folds",
            "write it again",
        )
    return pairs


SOURCES.register(r"lfw", example="lfw")(Lfw)
