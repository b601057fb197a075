"""Image sets as folders of image files, a sub-folder for each class."""

from __future__ import annotations

from pathlib import Path

from birthmark.common.progress import Progress
from birthmark.data.images.entry import Listing, entry_of
from birthmark.data.images.whole_file import read_bytes

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}


def from_folder(path: Path, progress: Progress) -> Listing:
    """Find the images of a folder, in the order of their paths.

    Raises
    ------
    BirthmarkError
        If one of them is unreadable.
    """
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
    classes = sorted({file.parent.relative_to(path).as_posix() for file in files} - {"."})
    entries = []
    for i, file in enumerate(files):
        parent = file.parent.relative_to(path).as_posix()
        label = classes.index(parent) if parent in classes else None
        entries.append(entry_of(read_bytes(file), str(file), label))
        progress("Reading images", i + 1, len(files))
    return Listing(entries, lambda i: read_bytes(files[i]), classes)
