"""What is known of an image without decoding it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from birthmark.common.digests import sha256
from birthmark.data.images.decoding import opened


@dataclass(frozen=True)
class Entry:
    """What is known of an image without decoding it."""

    name: str
    label: int | None
    digest: str
    size: tuple[int, int]
    colour: bool


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
    """

    entries: Sequence[Entry]
    read: Callable[[int], bytes]
    classes: Sequence[str] = ()


def entry_of(data: bytes, name: str, label: int | None) -> Entry:
    """Digest an image file's bytes and read its header.

    Raises
    ------
    BirthmarkError
        If the header is unreadable or the image too large.
    """
    picture = opened(data, name)
    colour = picture.mode not in ("L", "1", "LA")
    return Entry(name, label, sha256(data), picture.size, colour)
