"""Recorded answers of a whole zoo, in one file; reading it needs no torch.

Every number is kept in a few bits between its model's lowest and highest, low and high bytes
apart, compressed by LZMA. A largest answer stays the largest.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from birthmark.common.digests import canonical_json
from birthmark.common.errors import BirthmarkError
from birthmark.common.files import whole_file
from birthmark.common.jsons import has_few_parts
from birthmark.common.zips import PLAIN, opened_zip
from birthmark.zoo.answers.manifest import FORMAT, Manifest, Packed
from birthmark.zoo.answers.numbers import digest_of
from birthmark.zoo.answers.recorded import Recorded
from birthmark.zoo.disguises import is_disguise
from birthmark.zoo.models.record import Record

MAX_PARTS = 2_000_000
MAX_UNPACKED = 256 << 20
FIX = "get an unaltered copy, or run `birthmark zoo answer` again"


def write_answers(path: Path, manifest: Manifest, numbers: NDArray[np.uint16]) -> None:
    """Write an answers file.

    Raises
    ------
    BirthmarkError
        If it can't be written.
    """
    planes = numbers.astype("<u2").view(np.uint8).reshape(-1, 2)
    members = {
        "manifest.json": canonical_json(manifest.model_dump(mode="json")),
        "low.bin": np.ascontiguousarray(planes[:, 0]).tobytes(),
        "high.bin": np.ascontiguousarray(planes[:, 1]).tobytes(),
    }
    with (
        whole_file(path) as passing,
        zipfile.ZipFile(passing, "w", zipfile.ZIP_LZMA) as archive,
    ):
        for name, data in members.items():
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_LZMA
            archive.writestr(member, data)


def read_answers(path: Path) -> Recorded:
    """Read an answers file.

    Raises
    ------
    BirthmarkError
        If it is missing, foreign, truncated, altered, or unpacks to over a GiB.
    """
    if not path.is_file():
        raise BirthmarkError(path, "does not exist", "name an .answers file")
    try:
        with opened_zip(path, MAX_UNPACKED, PLAIN | {zipfile.ZIP_LZMA}) as archive:
            content = {n: archive.read(n) for n in ("manifest.json", "low.bin", "high.bin")}
    except BirthmarkError:
        raise
    except Exception as error:  # zipfile and lzma raise errors of many kinds on broken bytes
        raise BirthmarkError(path, f"is no answers file, or broken ({error})", FIX) from error
    manifest = _manifest(content["manifest.json"], path)
    planes = [np.frombuffer(content[name], np.uint8) for name in ("low.bin", "high.bin")]
    if planes[0].shape != planes[1].shape:
        raise BirthmarkError(path, "has two halves of different length", FIX)
    numbers = np.stack(planes, axis=1).view("<u2").ravel().astype(np.uint16)
    if digest_of(numbers) != manifest.values:
        raise BirthmarkError(path, "holds other numbers than the manifest says (digest)", FIX)
    _require_numbers(manifest, len(numbers), path)
    return Recorded(manifest, numbers)


def _manifest(content: bytes, path: Path) -> Manifest:
    if not has_few_parts(content, MAX_PARTS):
        raise BirthmarkError(f"{path} manifest.json", "has too many parts", FIX)
    try:
        fields: Any = json.loads(content)
        if not isinstance(fields, dict) or fields.get("format") != FORMAT:
            raise BirthmarkError(
                f"{path} manifest.json", f"is not of the format {FORMAT}", "update birthmark"
            )
        manifest = Manifest.model_validate(fields)
    except (ValueError, RecursionError, ValidationError) as error:
        first = error.errors()[0]["loc"] if isinstance(error, ValidationError) else "JSON"
        raise BirthmarkError(f"{path} manifest.json", f"is wrong at {first}", FIX) from error
    _require_chained(manifest.records, manifest.packed, path)
    return manifest


def _require_numbers(manifest: Manifest, count: int, path: Path) -> None:
    """All stored answers of a model are among the numbers."""
    probes = sum(len(asked.labels) for asked in manifest.asked)
    for record in manifest.records:
        stored = manifest.packed.get(record.name)
        if stored is not None and stored.begins + probes * record.outputs > count:
            raise BirthmarkError(f"{path} {record.name}", "has too few answers", FIX)


def _require_chained(records: Sequence[Record], stored: dict[str, Packed], path: Path) -> None:
    """Each model's answers are stored, or follow from those of one before it."""
    seen: set[str] = set()
    for record in records:
        if record.name not in stored and (
            record.parent not in seen or not is_disguise(record.recipe)
        ):
            raise BirthmarkError(f"{path} {record.name}", "has no answers", FIX)
        seen.add(record.name)
