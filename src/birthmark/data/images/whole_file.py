"""A file read whole."""

from __future__ import annotations

from pathlib import Path

from birthmark.common.errors import BirthmarkError


def read_bytes(file: Path) -> bytes:
    """A file's bytes.

    Raises
    ------
    BirthmarkError
        If it can't be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise BirthmarkError(
            file, f"cannot be read ({error.strerror})", "mend or remove it"
        ) from error
