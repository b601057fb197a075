"""Image sets as folders of image files, a sub-folder for each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from birthmark.common.files import read_bytes
from birthmark.common.progress import Progress
from birthmark.data.images.entry import Listing, entry_of

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}
MAX_FILE = 512 << 20
"""An image of as many pixels as are decoded has less, in whatever format."""


def from_folder(path: Path, found: Sequence[Path], progress: Progress) -> Listing:
    """Find the images among the files of a folder, in the order of their paths.

    Raises
    ------
    BirthmarkError
        If one of them is unreadable.
    """
    files = [file for file in found if file.suffix.lower() in SUFFIXES]
    classes = sorted({file.parent.relative_to(path).as_posix() for file in files} - {"."})
    entries = []
    for i, file in enumerate(files):
        parent = file.parent.relative_to(path).as_posix()
        label = classes.index(parent) if parent in classes else None
        entries.append(entry_of(read_bytes(file, MAX_FILE), str(file), label))
        progress("Reading images", i + 1, len(files))
    return Listing(entries, lambda i: read_bytes(files[i], MAX_FILE), classes)
