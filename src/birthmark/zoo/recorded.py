"""Recorded answers of a whole zoo, in one file; reading it needs no torch.

Every number is kept in a few bits between its model's lowest and highest, low and high bytes
apart, compressed by LZMA. A largest answer stays the largest.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from birthmark.common.digests import Digest, canonical_json, sha256
from birthmark.common.errors import BirthmarkError
from birthmark.common.files import whole_file
from birthmark.common.zips import PLAIN, opened_zip
from birthmark.data.outputs import Outputs
from birthmark.zoo.disguises import disguise_of, is_disguise
from birthmark.zoo.plan import Plan
from birthmark.zoo.records import Record

FORMAT: Literal["birthmark-answers/1"] = "birthmark-answers/1"
MAX_UNPACKED = 256 << 20
FIX = "get an unaltered copy, or run `birthmark zoo answer` again"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(_Section):
    """Probes of one method.

    Attributes
    ----------
    method
        The probe method's name.
    labels
        True classes, None where a probe has none.
    pixels
        Digest of all probes' pixel digests, in their order.
    """

    method: str
    labels: list[int | None]
    pixels: Digest


class Packed(_Section):
    """Where a model's numbers begin among all, and what they mean: lowest + step * number."""

    begins: int = Field(ge=0)
    lowest: float
    step: float


class Manifest(_Section):
    """What an answers file says of itself.

    Attributes
    ----------
    plan
        The zoo's plan, with its scale.
    records
        All models.
    packed
        Of the models whose answers are stored; of others they follow from the parent's.
    asked
        The probes.
    left_out
        Methods whose probes could not be made of this zoo, and why.
    made
        Versions and machine.
    data
        Digests of the zoo's images.
    values
        Digest of all numbers.
    """

    format: Literal["birthmark-answers/1"] = FORMAT
    plan: Plan
    records: list[Record]
    packed: dict[str, Packed]
    asked: list[Asked]
    left_out: dict[str, str] = {}
    made: dict[str, str]
    data: dict[str, Digest]
    values: Digest


@dataclass(frozen=True)
class Recorded:
    """A zoo's answers.

    Attributes
    ----------
    manifest
        What the file says of itself.
    numbers
        uint16, all stored answers.
    """

    manifest: Manifest
    numbers: NDArray[np.uint16]

    @property
    def records(self) -> list[Record]:
        """All models."""
        return self.manifest.records

    def record(self, name: str) -> Record:
        """One model.

        Raises
        ------
        BirthmarkError
            If there is none of that name.
        """
        for record in self.manifest.records:
            if record.name == name:
                return record
        raise BirthmarkError(f"model {name!r}", "is not in this zoo", "see `birthmark zoo show`")

    def labels(self, probes: str) -> list[int | None]:
        """True classes of the probes of a method."""
        return self.manifest.asked[self._place(probes)].labels

    def outputs(self, name: str, probes: str) -> Outputs:
        """A model's answers to the probes of a method.

        Raises
        ------
        BirthmarkError
            If there is no such model, or the probes were not asked.
        """
        record = self.record(name)
        packed = self.manifest.packed.get(name)
        if packed is None:
            inner = self.outputs(record.parent or "", probes)
            return disguise_of(record.recipe, record.parameters).said(inner)
        place = self._place(probes)
        counts = [len(asked.labels) for asked in self.manifest.asked]
        first = packed.begins + sum(counts[:place]) * record.outputs
        part = self.numbers[first : first + counts[place] * record.outputs]
        values = (packed.lowest + packed.step * part.astype(np.float64)).astype(np.float32)
        return Outputs(values.reshape(-1, record.outputs), record.kind, record.outputs)

    def _place(self, probes: str) -> int:
        methods = [asked.method for asked in self.manifest.asked]
        if probes not in methods:
            raise BirthmarkError(
                f"probes {probes!r}", "were not asked", f"choose from {', '.join(methods)}"
            )
        return methods.index(probes)


def packed(values: NDArray[np.float32], bits: int) -> tuple[NDArray[np.uint16], float, float]:
    """Numbers of `bits` bits for (n, width) answers, the lowest, and the step."""
    lowest = float(values.min())
    step = (float(values.max()) - lowest) / (2**bits - 1) or 1.0
    numbers = np.rint((values.astype(np.float64) - lowest) / step).astype(np.int64)
    rows, best = np.arange(len(values)), values.argmax(axis=1)
    ties = (numbers == numbers[rows, best][:, None]).sum(axis=1) > 1
    numbers[rows[ties], best[ties]] += 1
    return numbers.astype(np.uint16), lowest, step


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


def digest_of(numbers: NDArray[np.uint16]) -> str:
    """Digest of all numbers."""
    return sha256(numbers.astype("<u2").tobytes())


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
        raise BirthmarkError(path, "its two halves differ in length", FIX)
    numbers = np.stack(planes, axis=1).view("<u2").ravel().astype(np.uint16)
    if digest_of(numbers) != manifest.values:
        raise BirthmarkError(path, "its numbers are not what the manifest says (digest)", FIX)
    _require_numbers(manifest, len(numbers), path)
    return Recorded(manifest, numbers)


def _manifest(content: bytes, path: Path) -> Manifest:
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
