"""Tiny-ImageNet-200: 110,000 labelled pictures of 200 kinds of things."""

from __future__ import annotations

from pathlib import Path

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Progress, silent
from birthmark.zoo.images.sources.base import (
    SOURCES,
    Samples,
    from_files,
    has_parquet,
    lines,
    parquet,
    require,
)


class TinyImagenet:
    """Colour, 64x64, from `tiny-imagenet-200` or `train` and `test` as Parquet.

    The authors' validation images are the split `test`: their own test images have no labels.
    Classes are in the order of their WordNet numbers. Source: Stanford CS231n.
    """

    name = "tiny-imagenet"
    where = (
        "get http://cs231n.stanford.edu/tiny-imagenet-200.zip and unpack it here, as "
        "tiny-imagenet-200/wnids.txt"
    )

    def __call__(self, folder: Path, progress: Progress = silent) -> Samples:
        """Read the set: splits are known; a class is called by the first of its words."""
        if has_parquet(folder):
            return parquet(folder, ["train", "test"], self, progress)
        root = folder / "tiny-imagenet-200"
        wnids = sorted(filter(None, map(str.strip, lines(root / "wnids.txt", self))))
        words = dict(
            line.split("\t", 1) for line in lines(root / "words.txt", self) if "\t" in line
        )
        files: list[Path] = []
        labels: list[int] = []
        for label, wnid in enumerate(wnids):
            found = sorted(require(root / "train" / wnid / "images", self).glob("*.JPEG"))
            files += found
            labels += [label] * len(found)
        trained = len(files)
        path = root / "val" / "val_annotations.txt"
        for i, line in enumerate(lines(path, self), 1):
            name, _, rest = line.partition("\t")
            wnid = rest.partition("\t")[0]
            if wnid not in wnids:
                raise BirthmarkError(
                    f"{path} line {i}", f"class {wnid!r} is not in wnids.txt", "unpack both again"
                )
            files.append(require(root / "val" / "images" / name, self))
            labels.append(wnids.index(wnid))
        split = ("train",) * trained + ("test",) * (len(files) - trained)
        classes = tuple(words.get(wnid, wnid).split(",")[0] for wnid in wnids)
        return Samples(from_files(folder, files, labels, progress), classes, split)


SOURCES.register(r"tiny-imagenet", example="tiny-imagenet")(TinyImagenet)
