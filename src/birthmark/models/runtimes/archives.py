"""Archives of models from strangers: read within bounds, written anew before another reader."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from birthmark.common.errors import BirthmarkError

MAX_BYTES = 4 << 30
MAX_MEMBERS = 20_000
MAX_RATIO = 200
MAX_JSON = 64 << 20


def members(path: Path, again: str) -> dict[str, bytes]:
    """The members of a zip archive by name; folders are left out.

    Parameters
    ----------
    path
        The archive.
    again
        How to write such an archive, for messages.

    Raises
    ------
    BirthmarkError
        If it is no zip, holds a name twice or one that leaves its folder, is encrypted, holds over
        20,000 members, or unpacks to over 4 GiB or to over 200 times its size.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            _require_sane(path, infos, again)
            return {info.filename: archive.read(info) for info in infos if not info.is_dir()}
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        raise BirthmarkError(path, f"is not a readable archive ({error})", again) from error


def _require_sane(path: Path, infos: list[zipfile.ZipInfo], again: str) -> None:
    names = [info.filename for info in infos]
    total = sum(info.file_size for info in infos)
    stored = sum(info.compress_size for info in infos)
    if len(names) > MAX_MEMBERS:
        raise BirthmarkError(path, f"holds {len(names)} members, over {MAX_MEMBERS}", again)
    if len(set(names)) != len(names):
        raise BirthmarkError(path, "holds a member twice", again)
    if total > MAX_BYTES or total > MAX_RATIO * max(stored, 1 << 16):
        raise BirthmarkError(
            path, f"unpacks from {stored >> 10} KiB to {total >> 10} KiB", "replace it"
        )
    for name in names:
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            raise BirthmarkError(path, f"holds {name}, which leaves its folder", "replace it")


def rewritten(contents: Mapping[str, bytes]) -> io.BytesIO:
    """An archive of these members, stored, in this order: what is checked is what is read."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    buffer.seek(0)
    return buffer


def parsed(path: Path, name: str, content: bytes, again: str) -> Any:
    """A JSON member.

    Raises
    ------
    BirthmarkError
        If it is too large, nested too deeply or no JSON.
    """
    if len(content) > MAX_JSON:
        raise BirthmarkError(path, f"{name} is over {MAX_JSON >> 20} MiB", again)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BirthmarkError(path, f"{name} is not JSON ({error})", again) from error
