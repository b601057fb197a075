"""Image sets as folders of image files, a sub-folder for each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from birthmark.common.files import read_bytes
from birthmark.common.progress import Progress
from birthmark.data.images.entry import Listing, entry_of

SUFFIXES = {
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".bmp",
    ".webp",
    ".tif",
    ".tiff",
    ".pgm",
    ".ppm",
}
PARTS = {"train", "training", "val", "valid", "validation", "test", "testing"}
"""Folders of a set's parts, which stand above those of its classes and are none themselves."""
MOST_ENDINGS = 8
MAX_FILE = 512 << 20
"""An image of as many pixels as are decoded has less, in whatever format."""


def from_folder(path: Path, found: Sequence[Path], progress: Progress) -> Listing:
    """Find the images among the files of a folder, in the order of their paths.

    What begins with a dot is left aside (`.DS_Store`, `._a.png`, `.ipynb_checkpoints/`). Where all
    images are in folders called like the parts of a set, `train` and `val` say, the folders in
    these are the classes.

    Raises
    ------
    BirthmarkError
        If one of them is unreadable.
    """
    there = sorted(file for file in found if not is_hidden(file, path))
    files = [file for file in there if file.suffix.lower() in SUFFIXES]
    folders = [file.parent.relative_to(path).parts for file in files]
    parts = sorted({folder[0] if folder else "" for folder in folders})
    if split := {part.lower() for part in parts} <= PARTS:
        folders = [folder[1:] for folder in folders]
    classes = sorted({"/".join(folder) for folder in folders if folder})
    numbers = {name: number for number, name in enumerate(classes)}
    entries = []
    for i, (file, folder) in enumerate(zip(files, folders, strict=True)):
        label = numbers.get("/".join(folder))
        entries.append(entry_of(read_bytes(file, MAX_FILE), str(file), label))
        progress("Reading images", i + 1, len(files))
    notes = [f"{path}: took the images of {', '.join(parts)} together."] if split and files else []
    others = [file for file in there if file.suffix.lower() not in SUFFIXES]
    if other := Counter(file.suffix.lower() or "no ending" for file in others):
        most = sorted(other.items(), key=lambda one: (-one[1], one[0]))[:MOST_ENDINGS]
        said = ", ".join(f"{n} {ending}" for ending, n in most)
        notes.append(
            f"{path}: left out {len(others)} files that can't be read as images: {said}"
            f"{', ...' if len(other) > MOST_ENDINGS else '.'}"
        )
    return Listing(entries, lambda i: read_bytes(files[i], MAX_FILE), classes, notes)


def is_hidden(file: Path, folder: Path) -> bool:
    """Whether a file's name, or a folder's that it is in, begins with a dot."""
    return any(part.startswith(".") for part in file.relative_to(folder).parts)
