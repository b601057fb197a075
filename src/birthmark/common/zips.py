"""Opening zips of strangers within bounds."""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from birthmark.common.errors import BirthmarkError
from birthmark.common.files import opened

MAX_DIRECTORY = 4 << 20
MAX_RATIO = 100
"""What unpacks to more than `FREE` bytes may grow by so much."""
FREE = 64 << 20
PLAIN = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
TAIL = 65_535 + 22 + 20 + 56
"""The records that end a zip are in its last bytes: the last may have a comment after it."""


@contextmanager
def opened_zip(
    path: Path, limit: int, methods: frozenset[int] = PLAIN
) -> Iterator[zipfile.ZipFile]:
    """Open a zip that unpacks to no more than its kind of file may hold.

    Parameters
    ----------
    path
        The file.
    limit
        The most bytes that all members may unpack to.
    methods
        How members may be compressed.

    Raises
    ------
    BirthmarkError
        If it is too large, packed otherwise, encrypted, or packed more densely than data are.
    zipfile.BadZipFile
        If it is no zip; zipfile raises errors of other kinds too.
    """
    with opened(path, limit) as file:
        require_small_directory(file, path)
        with zipfile.ZipFile(file) as archive:
            listed = archive.infolist()
            for member in listed:
                if member.compress_type not in methods or member.flag_bits & 1:
                    raise BirthmarkError(
                        f"{path} {member.filename}",
                        "is encrypted or packed in an unusual way",
                        "pack it again as a plain zip",
                    )
            size = sum(member.file_size for member in listed)
            if size > limit:
                raise BirthmarkError(
                    path, f"unpacks to over {limit >> 20} MiB", "split it into smaller files"
                )
            if size > max(FREE, MAX_RATIO * os.fstat(file.fileno()).st_size):
                raise BirthmarkError(
                    path,
                    f"unpacks to more than {MAX_RATIO} times its size",
                    "pack it again without compression, if you trust it",
                )
            yield archive


def require_small_directory(file: IO[bytes], source: object) -> None:
    """Refuse a zip whose list of members would fill the memory when it is read.

    Raises
    ------
    BirthmarkError
        If a record at the end of the file says that the list is over 4 MiB.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL))
    tail = file.read()
    file.seek(0)
    for signature, offset, form in ((b"PK\x05\x06", 12, "<I"), (b"PK\x06\x06", 40, "<Q")):
        at = tail.find(signature)
        while at >= 0:
            field = tail[at + offset : at + offset + struct.calcsize(form)]
            if len(field) == struct.calcsize(form) and (
                MAX_DIRECTORY < struct.unpack(form, field)[0] != 0xFFFFFFFF
            ):
                raise BirthmarkError(source, "lists too many members", "get an unaltered copy")
            at = tail.find(signature, at + 1)
