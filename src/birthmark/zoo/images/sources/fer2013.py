"""FER2013: 35,887 faces and their emotions."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Progress, encoded, silent
from birthmark.zoo.images.sources.base import SOURCES, Samples, has_parquet, lazy, parquet, require

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
SPLITS = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
COLUMNS = ("emotion", "pixels", "Usage")
SIDE = 48


class Fer2013:
    """Grey, 48x48, from Kaggle's `fer2013.csv` or `train`, `validation` and `test` as Parquet.

    Source: Goodfellow et al. 2013, "Challenges in representation learning", arXiv 1307.0414.
    """

    name = "fer2013"
    where = (
        "get fer2013.csv from https://www.kaggle.com/c/challenges-in-representation-learning-"
        "facial-expression-recognition-challenge/data and put it into this folder"
    )

    def __call__(self, folder: Path, progress: Progress = silent) -> Samples:
        """Read the set: splits but no people are known."""
        if has_parquet(folder):
            return parquet(folder, [*SPLITS.values()], self, progress)
        path = require(folder / "fer2013.csv", self)
        pixels: list[bytes] = []
        names: list[str] = []
        labels: list[int] = []
        split: list[str] = []
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                table = csv.DictReader(file)
                if missing := {*COLUMNS}.difference(table.fieldnames or ()):
                    raise BirthmarkError(path, f"has no column {min(missing)}", self.where)
                for row in table:
                    where = f"{path} line {table.line_num}"
                    label, one, usage = _checked(row, where)
                    pixels.append(one)
                    names.append(where)
                    labels.append(label)
                    split.append(usage)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise BirthmarkError(path, f"is not a readable CSV ({error})", self.where) from error

        def read(i: int) -> bytes:
            grey = np.frombuffer(pixels[i], np.uint8).reshape(SIDE, SIDE)
            return encoded(Pillow.fromarray(grey), "PPM")

        images = lazy(str(folder), names, labels, read, progress)
        return Samples(images, CLASSES, tuple(split))


def _checked(row: dict[str, str | None], where: str) -> tuple[int, bytes, str]:
    emotion, pixels, usage = (row[column] or "" for column in COLUMNS)
    if emotion not in map(str, range(len(CLASSES))):
        raise BirthmarkError(where, f"emotion is {emotion!r}, not 0 to 6", "get the file again")
    if usage not in SPLITS:
        raise BirthmarkError(
            where, f"Usage is {usage!r}, not one of {', '.join(SPLITS)}", "get the file again"
        )
    try:
        values = bytes(map(int, pixels.split()))
    except ValueError as error:
        raise BirthmarkError(
            where, f"pixels are not all 0 to 255 ({error})", "get the file again"
        ) from error
    if len(values) != SIDE * SIDE:
        raise BirthmarkError(
            where, f"pixels are {len(values)}, not {SIDE}x{SIDE}", "get the file again"
        )
    return int(emotion), values, SPLITS[usage]


SOURCES.register(r"fer2013", example="fer2013")(Fer2013)
