"""Digests, and JSON that is the same bytes wherever it is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, StringConstraints

from birthmark.common.files import opened

MAX_FILE = 1 << 40

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""`sha256:` and 64 hexadecimal digits."""


def sha256(*parts: bytes | memoryview) -> str:
    """Digest of the concatenated parts."""
    state = hashlib.sha256()
    for part in parts:
        state.update(part)
    return f"sha256:{state.hexdigest()}"


def sha256_of_file(path: Path, limit: int = MAX_FILE) -> str:
    """Digest of a file's bytes, as `sha256sum` prints it.

    Raises
    ------
    BirthmarkError
        As `birthmark.common.files.opened`.
    """
    with opened(path, limit) as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def sha256_of_files(folder: Path, files: Iterable[Path], limit: int = MAX_FILE) -> str:
    """Digest of files in a folder: of lines of each one's digest and name, sorted by name.

    Raises
    ------
    BirthmarkError
        As `birthmark.common.files.opened`; `limit` holds for each.
    """
    named = sorted((file.relative_to(folder).as_posix(), file) for file in files)
    lines = (f"{sha256_of_file(file, limit)} {name}\n" for name, file in named)
    return sha256(*(line.encode(errors="replace") for line in lines))


def is_canonical(document: BaseModel, data: bytes) -> bool:
    """Whether a document was read from the one form in which it is written.

    So no name stood there twice, no number was text, and nothing was left aside.
    """
    said = document.model_dump(mode="json", by_alias=True, exclude_unset=True)
    try:
        return canonical_json(said) == data
    except ValueError:  # NaN and infinity
        return False


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys, no spaces, no NaN, and one final line feed."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode() + b"\n"
