"""What is known of an image without decoding it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from birthmark.common.digests import sha256
from birthmark.data.images.decoding import GREY, opened, upright


@dataclass(frozen=True)
class Entry:
    """What is known of an image without decoding it.

    A label below zero is none: the hub writes -1 where labels are withheld.
    """

    name: str
    label: int | None
    digest: str
    size: tuple[int, int]
    colour: bool

    def __post_init__(self) -> None:
        if self.label is not None and self.label < 0:
            object.__setattr__(self, "label", None)


@dataclass(frozen=True)
class Listing:
    """Images found in a set's files, not read yet.

    Attributes
    ----------
    entries
        What is known of each image.
    read
        Gives the bytes of the image at a position.
    classes
        The names of the classes by label, where they have names.
    notes
        What the user should know of how they were found, a sentence each.
    """

    entries: Sequence[Entry]
    read: Callable[[int], bytes]
    classes: Sequence[str] = ()
    notes: Sequence[str] = ()


def entry_of(data: bytes, name: str, label: int | None) -> Entry:
    """Digest an image file's bytes and read its header.

    Raises
    ------
    BirthmarkError
        If the header is unreadable or the image too large.
    """
    picture = opened(data, name)
    return Entry(name, label, sha256(data), upright(picture), picture.mode not in GREY)
