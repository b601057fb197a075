"""CIFAR-10: 60,000 pictures of ten kinds of objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Progress, encoded, silent
from birthmark.zoo.images.sources.base import SOURCES, Samples, has_parquet, lazy, parquet, require

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
FILES = {f"data_batch_{i}.bin": "train" for i in range(1, 6)} | {"test_batch.bin": "test"}
RECORD = 1 + 3 * 32 * 32


class Cifar10:
    """Colour, 32x32, from the authors' binary version or `train` and `test` as Parquet.

    The authors' Python version is pickled and is never read.

    Source: Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images".
    """

    name = "cifar10"
    where = (
        "get the binary version, cifar-10-binary.tar.gz, from "
        "https://www.cs.toronto.edu/~kriz/cifar.html and unpack it here, as "
        "cifar-10-batches-bin/data_batch_1.bin"
    )

    def __call__(self, folder: Path, progress: Progress = silent) -> Samples:
        """Read the set: splits are known."""
        if has_parquet(folder):
            return parquet(folder, ["train", "test"], self, progress)
        pickled, root = folder / "cifar-10-batches-py", folder / "cifar-10-batches-bin"
        if pickled.exists() and not root.exists():
            raise BirthmarkError(pickled, "is the pickled version, which is never read", self.where)
        batches = [_records(require(root / file, self)) for file in FILES]
        places = [(batch, r) for batch in batches for r in range(len(batch))]
        names = [
            f"{root / file} record {r}"
            for file, batch in zip(FILES, batches, strict=True)
            for r in range(len(batch))
        ]
        labels = np.concatenate([batch[:, 0] for batch in batches]).tolist()
        split = tuple(
            split
            for split, batch in zip(FILES.values(), batches, strict=True)
            for _ in range(len(batch))
        )

        def read(i: int) -> bytes:
            batch, r = places[i]
            pixels = batch[r, 1:].reshape(3, 32, 32).transpose(1, 2, 0)
            return encoded(Pillow.fromarray(np.ascontiguousarray(pixels)), "PPM")

        return Samples(lazy(str(folder), names, labels, read, progress), CLASSES, split)


def _records(path: Path) -> NDArray[np.uint8]:
    try:
        size = path.stat().st_size
        flat: NDArray[np.uint8] = np.memmap(path, np.uint8, "r") if size else np.zeros(0, np.uint8)
    except OSError as error:
        raise BirthmarkError(path, f"cannot be read ({error.strerror})", "fix it") from error
    if size == 0 or size % RECORD:
        raise BirthmarkError(
            path,
            f"is cut off: {size} bytes are no whole records of {RECORD}",
            "unpack the archive again",
        )
    records = flat.reshape(-1, RECORD)
    wrong = np.flatnonzero(records[:, 0] >= len(CLASSES))
    if wrong.size:
        raise BirthmarkError(
            f"{path} record {wrong[0]}",
            f"label is {records[wrong[0], 0]}, not 0 to 9",
            "unpack the archive again",
        )
    return records


SOURCES.register(r"cifar10", example="cifar10")(Cifar10)
