"""A set of images of one size: a folder, Parquet, an npz or arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.digests import sha256
from birthmark.common.errors import BirthmarkError
from birthmark.common.files import files_below
from birthmark.common.progress import Progress, silent
from birthmark.data.images.arrays import from_arrays
from birthmark.data.images.dataset import from_dataset
from birthmark.data.images.entry import Entry, Listing
from birthmark.data.images.folder import from_folder, is_hidden
from birthmark.data.images.image import Image
from birthmark.data.images.npz import from_npz
from birthmark.data.images.parquet import from_parquet

MAX_FILES = 10_000_000


class ImageSet(Sequence[Image]):
    """Images of one size, read when asked for.

    Every image's bytes are digested and its header read at once, so that a foreign file or a
    deviating size is found before anything is done with the set.

    Parameters
    ----------
    source
        How messages call the set.
    entries
        What is known of each image.
    read
        Gives the bytes of the image at a position.
    classes
        The names of the classes by label, where they have names.
    notes
        What the user should know of how they were found, a sentence each.
    """

    def __init__(
        self,
        source: str,
        entries: Sequence[Entry],
        read: Callable[[int], bytes],
        classes: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> None:
        if not entries:
            raise BirthmarkError(source, "holds no images", "name a set with images")
        self.source = source
        self.entries = list(entries)
        self._read = read
        self.classes = tuple(classes)
        self.notes = tuple(notes)

    @classmethod
    def open(cls, path: str | Path, progress: Progress = silent) -> ImageSet:
        """Open a folder of images (sub-folders are classes), Parquet file(s) or an npz.

        Parquet holds a column of images, `{bytes, path}` or bytes: the one that the Hugging Face
        schema in it types as images, or called `image`, `img` or `images`, or the only such
        column; and perhaps labels: `label`, `labels`, `fine_label`, `target` or `class`, or the
        only one that the schema types as classes, integers or text, which is numbered in sorted
        order. A label below zero is none. An npz holds
        `images`, uint8 (n, height, width) or (n, height, width, 1 or 3), and perhaps `labels`,
        integers (n,).

        Raises
        ------
        BirthmarkError
            If the set is missing, empty or of another form, or an image is unreadable.
        """
        path = Path(path)
        if path.is_dir():
            files = files_below(path, MAX_FILES)
            tables = [
                file for file in files if file.suffix == ".parquet" and not is_hidden(file, path)
            ]
            if tables:
                return cls.from_parquet(tables, str(path), progress)
            return cls._of(str(path), from_folder(path, files, progress))
        if not path.exists():
            raise BirthmarkError(path, "does not exist", "name a folder, a .parquet or an .npz")
        if path.suffix == ".parquet":
            return cls.from_parquet([path], str(path), progress)
        if path.suffix == ".npz":
            return cls._of(str(path), from_npz(path, progress))
        raise BirthmarkError(
            path, f"has the ending {path.suffix!r}", "name a folder, a .parquet or an .npz"
        )

    @classmethod
    def of(cls, images: Any, progress: Progress = silent) -> ImageSet:
        """Take images in whatever form they are at hand.

        Parameters
        ----------
        images
            An image set; a path, as for `open`; an array or a pair of images and labels, as for
            `from_arrays`; or a data set such as torch's, whose items are images or pairs of an
            image and its label, of one size and not normalised.
        progress
            Told after each image.

        Raises
        ------
        BirthmarkError
            If they are of another form, or an image is unreadable.
        """
        if isinstance(images, cls):
            return images
        if isinstance(images, str | Path):
            return cls.open(images, progress)
        if isinstance(images, np.ndarray):
            return cls.from_arrays(images, progress=progress)
        if isinstance(images, tuple) and len(images) == 2:
            return cls.from_arrays(np.asarray(images[0]), images[1], progress=progress)
        return cls.from_arrays(*from_dataset(images, "images", progress), progress=progress)

    @classmethod
    def from_arrays(
        cls,
        images: NDArray[np.uint8],
        labels: Sequence[int] | NDArray[np.integer[Any]] | None = None,
        *,
        source: str = "images",
        progress: Progress = silent,
    ) -> ImageSet:
        """Take uint8 arrays (n, height, width) or (n, height, width, 1 or 3), and labels (n,).

        Raises
        ------
        BirthmarkError
            If dtype, shape or the number of labels is another.
        """
        return cls._of(source, from_arrays(images, labels, source, progress))

    @classmethod
    def from_parquet(cls, files: Sequence[Path], source: str, progress: Progress) -> ImageSet:
        """Take the images of Parquet files, one after the other; messages call them `source`.

        Raises
        ------
        BirthmarkError
            If a file is no Parquet with a column of images, or holds an unreadable image.
        """
        return cls._of(source, from_parquet(files, source, progress))

    @classmethod
    def _of(cls, source: str, listing: Listing) -> ImageSet:
        return cls(source, listing.entries, listing.read, listing.classes, listing.notes)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, position: Any) -> Any:
        if isinstance(position, slice):
            return [self[i] for i in range(*position.indices(len(self)))]
        entry = self.entries[position]
        return Image(self._read(position % len(self)), entry.name, entry.label)

    def __iter__(self) -> Iterator[Image]:
        return (self[i] for i in range(len(self)))

    def without_labels(self) -> ImageSet:
        """The same images, with their true classes forgotten."""
        entries = [replace(entry, label=None) for entry in self.entries]
        return ImageSet(self.source, entries, self._read, notes=self.notes)

    @cached_property
    def digest(self) -> str:
        """Digest of the set: of its images' digests in sorted order, whatever their names."""
        return sha256(
            *(f"{digest}\n".encode() for digest in sorted(e.digest for e in self.entries))
        )

    @property
    def colour(self) -> bool:
        """Whether any image has colour; a few grey ones among them are converted."""
        return any(entry.colour for entry in self.entries)

    def require_one_size(self) -> tuple[int, int]:
        """The (width, height) that all images share.

        Raises
        ------
        BirthmarkError
            If one has another size than the first.
        """
        first = self.entries[0]
        for entry in self.entries:
            if entry.size != first.size:
                raise BirthmarkError(
                    entry.name,
                    "is {}x{}, while {name} is {}x{}".format(
                        *entry.size, *first.size, name=first.name
                    ),
                    "pass --resize WIDTHxHEIGHT to bring all to one size",
                )
        return first.size
