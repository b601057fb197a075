"""ORL, "Our Database of Faces": 400 pictures of 40 people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Progress, silent
from birthmark.zoo.images.sources.base import (
    SOURCES,
    Samples,
    from_files,
    has_parquet,
    parquet,
    require,
)


class Orl:
    """Grey, 92x112, from the authors' folders or `faces` as Parquet; the classes are the people.

    Source: AT&T Laboratories Cambridge 1994.
    """

    name = "orl"
    where = (
        "get the Database of Faces from https://cam-orl.co.uk/facedatabase.html and unpack it "
        "here, as s1/1.pgm"
    )

    def __call__(self, folder: Path, progress: Progress = silent) -> Samples:
        """Read the set: people but no splits are known."""
        if has_parquet(folder):
            samples = parquet(folder, ["faces"], self, progress)
            labels = [entry.label for entry in samples.images.entries]
            return replace(samples, people=np.array(labels, np.int64))
        files = [*folder.glob("s*/*.pgm")] or [require(folder / "s1" / "1.pgm", self)]
        files.sort(key=_order)
        people = [*dict.fromkeys(file.parent.name for file in files)]
        rows = [people.index(file.parent.name) for file in files]
        images = from_files(folder, files, rows, progress)
        return Samples(images, tuple(people), ("",) * len(files), np.array(rows, np.int64))


def _order(file: Path) -> tuple[int, int]:
    try:
        return int(file.parent.name[1:]), int(file.stem)
    except ValueError as error:
        raise BirthmarkError(
            file, "is not named the way the authors do", "name it such as s1/1.pgm or remove it"
        ) from error


SOURCES.register(r"orl", example="orl")(Orl)
