"""Digests, and JSON that is the same bytes wherever it is written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import StringConstraints

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""`sha256:` and 64 hexadecimal digits."""


def sha256(*parts: bytes | memoryview) -> str:
    """Digest of the concatenated parts."""
    state = hashlib.sha256()
    for part in parts:
        state.update(part)
    return f"sha256:{state.hexdigest()}"


def sha256_of_file(path: Path) -> str:
    """Digest of a file's bytes, as `sha256sum` prints it."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def sha256_of_folder(path: Path) -> str:
    """Digest of all files in a folder: of lines of each file's digest and name, sorted by name."""
    files = sorted((file.relative_to(path).as_posix(), file) for file in path.rglob("*"))
    return sha256(
        *(f"{sha256_of_file(file)} {name}\n".encode() for name, file in files if file.is_file())
    )


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys, no spaces, no NaN, and one final line feed."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode() + b"\n"
