"""Reading and writing a fingerprint: a zip of stored members with the same bytes each time."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from pydantic import ValidationError

from birthmark.bundle.manifest import FIRST, FORMAT, MAX_PROBES, Manifest
from birthmark.common.digests import canonical_json, is_canonical, sha256, sha256_of_file
from birthmark.common.errors import BirthmarkError, fault_of
from birthmark.common.files import opened, whole_file
from birthmark.common.jsons import has_few_parts
from birthmark.common.zips import require_small_directory
from birthmark.data.images import Image
from birthmark.data.images.decoding import opened as opened_image
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters import Description

MAX_FILE = 4 << 30
MAX_PIXELS = 1 << 29
"""Of all probes together."""
KEPT = 1 << 24
"""Bytes of pixels that are kept between their check and the first question."""
MAX_MANIFEST = 16 << 20
MAX_PARTS = 400_000
"""A probe takes one, a model six."""
MOST_IN_MEMORY = 64 << 20
MAX_FIELDS = 20
"""A record of a probe or a model has fewer; each fault that is found takes a kilobyte."""
MAGIC = b"PK\x03\x04"
FEWER = "enroll with fewer or smaller images"
FIX = "get an unaltered copy, or enroll again"


@dataclass(frozen=True)
class Bundle:
    """A fingerprint in memory.

    Attributes
    ----------
    manifest
        What it says of itself.
    probes
        The probes, in order; each decodes to the pixels whose digest the manifest holds.
    victim
        The victim's answers to them.
    references
        The independent models' answers, in the manifest's order.
    """

    manifest: Manifest
    probes: list[Image]
    victim: Outputs
    references: list[Outputs]

    def first(self, count: int) -> Bundle:
        """The same with the first probes only, and the answers to these."""
        if count >= len(self.probes):
            return self
        references = [one.first(count) for one in self.references]
        return Bundle(self.manifest, self.probes[:count], self.victim.first(count), references)

    def subset(self, places: Sequence[int]) -> Bundle:
        """The same with some of the probes only, and the answers to these."""
        if list(places) == list(range(len(self.probes))):
            return self
        return Bundle(
            self.manifest,
            [self.probes[i] for i in places],
            self.victim.at(places),
            [one.at(places) for one in self.references],
        )

    def keeping(self, references: Sequence[int]) -> Bundle:
        """The same with some of the references only."""
        if list(references) == list(range(len(self.references))):
            return self
        changed: dict[str, Any] = {"references": [self.manifest.references[i] for i in references]}
        record = self.manifest.population
        if record is not None and record.references:
            right = [record.references[i] for i in references]
            changed["population"] = record.model_copy(update={"references": right})
        return Bundle(
            self.manifest.model_copy(update=changed),
            self.probes,
            self.victim,
            [self.references[i] for i in references],
        )

    def require_same_pixels(self, source: str) -> None:
        """Decode all probes, and keep the pixels of the first, which are asked about next.

        Raises
        ------
        BirthmarkError
            If one decodes otherwise than when the fingerprint was made.
        """
        kept = 0
        for probe, record in zip(self.probes, self.manifest.probes, strict=True):
            kept += probe.pixels.nbytes if kept < KEPT else 0
            if probe.pixel_digest != record.pixels:
                raise BirthmarkError(
                    f"{source} {record.file}",
                    "decodes to other pixels here than where it was enrolled",
                    "use the Pillow version that `birthmark inspect` names",
                )


def write_bundle(bundle: Bundle, path: Path) -> str:
    """Write a fingerprint and return its seal, the digest of the file.

    Raises
    ------
    BirthmarkError
        If it can't be written; nothing is left then.
    """
    _require_few_pixels(bundle.probes, path)
    with whole_file(path) as passing:
        manifest = canonical_json(bundle.manifest.model_dump(mode="json"))
        with zipfile.ZipFile(passing, "w", zipfile.ZIP_STORED) as archive:
            archive.comment = sha256(manifest).encode()
            _add(archive, "manifest.json", manifest)
            for probe in bundle.probes:
                _add(archive, f"probes/{probe.name}", probe.data)
            _add(archive, "outputs.safetensors", outputs_bytes(bundle.victim, bundle.references))
        return sha256_of_file(passing)


def outputs_bytes(victim: Outputs, references: list[Outputs]) -> bytes:
    """The answers as safetensors: `victim`, and `reference/00000` on."""
    tensors = {"victim": victim.values}
    tensors |= {f"reference/{i:05d}": one.values for i, one in enumerate(references)}
    return safetensors.numpy.save(tensors)


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    member.create_system = 3
    member.external_attr = 0o644 << 16
    archive.writestr(member, data)


def read_bundle(path: str | Path) -> Bundle:
    """Open a fingerprint and check every digest in it.

    Members are stored, not compressed, so a file can't unpack to more than its own size.

    Raises
    ------
    BirthmarkError
        If the file is missing, foreign, truncated or altered, or of a later format.
    """
    path = Path(path)
    try:
        with opened(path, MAX_FILE) as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise BirthmarkError(path, "is not a fingerprint", "name a .birthmark file")
            require_small_directory(file, path)
            with zipfile.ZipFile(file) as archive:
                bundle = _read(archive, _members(archive, path), path)
                _require_as_written(archive, path)
                return bundle
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise BirthmarkError(path, f"is truncated or altered ({error})", FIX) from error


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    listed = archive.infolist()
    if len(listed) > MAX_PROBES + 2:
        raise BirthmarkError(path, f"holds {len(listed)} members", FIX)
    for member in listed:
        packed = member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1
        if packed or member.file_size != member.compress_size:
            raise BirthmarkError(f"{path} {member.filename}", "is compressed or encrypted", FIX)
    if sum(member.file_size for member in listed) > path.stat().st_size:
        raise BirthmarkError(path, "its members overlap", FIX)
    members = {member.filename: member for member in listed}
    if len(members) != len(listed):
        raise BirthmarkError(path, "holds two members with the same name", FIX)
    return members


def _require_as_written(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse a zip that `write_bundle` would have written otherwise: no byte of it is free."""
    with tempfile.SpooledTemporaryFile(MOST_IN_MEMORY) as again:
        with zipfile.ZipFile(again, "w", zipfile.ZIP_STORED) as written:
            for member in archive.infolist():
                _add(written, member.filename, archive.read(member))
            written.comment = archive.comment
        again.seek(0)
        digest = hashlib.file_digest(again, "sha256").hexdigest()
    if f"sha256:{digest}" != sha256_of_file(path):
        raise BirthmarkError(path, "is not written the way fingerprints are", FIX)
    if archive.comment and archive.comment.decode("ascii", "replace") != sha256(
        archive.read("manifest.json")
    ):
        raise BirthmarkError(f"{path} manifest.json", "was altered (digest)", FIX)


def _read(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], path: Path) -> Bundle:
    def data(name: str, digest: str | None) -> bytes:
        if name not in members:
            raise BirthmarkError(path, f"lacks {name}", FIX)
        content = archive.read(members[name])
        if digest is not None and sha256(content) != digest:
            raise BirthmarkError(f"{path} {name}", "is not what the manifest says (digest)", FIX)
        return content

    if "manifest.json" not in members or members["manifest.json"].file_size > MAX_MANIFEST:
        raise BirthmarkError(path, "has no manifest.json of a reasonable size", FIX)
    manifest = _manifest(data("manifest.json", None), f"{path} manifest.json")
    expected = {f"probes/{record.file}" for record in manifest.probes}
    foreign = members.keys() - expected - {"manifest.json", "outputs.safetensors"}
    if foreign:
        raise BirthmarkError(path, f"holds the foreign member {min(foreign)}", FIX)
    probes = [
        Image(data(f"probes/{record.file}", record.digest), record.file, record.label)
        for record in manifest.probes
    ]
    _require_few_pixels(probes, path)
    tensors = safetensors_arrays(data("outputs.safetensors", manifest.outputs), path)
    where = f"{path} outputs.safetensors"
    victim = _outputs(tensors, "victim", manifest.victim, len(probes), where)
    references = [
        _outputs(tensors, f"reference/{i:05d}", description, len(probes), where)
        for i, description in enumerate(manifest.references)
    ]
    return Bundle(manifest, probes, victim, references)


def _require_few_pixels(probes: Sequence[Image], path: Path) -> None:
    """Refuse a small file that would decode to a large memory."""
    total = 0
    for probe in probes:
        width, height = opened_image(probe.data, f"{path} {probe.name}").size
        total += width * height
        if total > MAX_PIXELS:
            raise BirthmarkError(path, f"holds probes of over {MAX_PIXELS:,} pixels", FEWER)


def _manifest(content: bytes, source: str) -> Manifest:
    if not has_few_parts(content, MAX_PARTS):
        raise BirthmarkError(source, f"has over {MAX_PARTS:,} objects and lists", FIX)
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BirthmarkError(source, f"is not JSON ({error})", FIX) from error
    said = fields.get("format") if isinstance(fields, dict) else None
    if said not in (FORMAT, FIRST):
        raise BirthmarkError(
            source, f"has the format {said!r}", f"this version reads {FORMAT}: update birthmark"
        )
    named = fields.get("companions")
    lists = [*fields.values(), *(named.values() if isinstance(named, dict) else [])]
    records = sum(len(one) for one in lists if isinstance(one, list))
    if content.count(b'":') > MAX_FIELDS * (records + 10):
        raise BirthmarkError(source, "has more fields than its records can have", FIX)
    del fields, named, lists
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise BirthmarkError(source, fault_of(error), FIX) from error
    if said == FORMAT and not is_canonical(manifest, content):
        raise BirthmarkError(source, "is not written the way manifests are", FIX)
    return manifest


def safetensors_arrays(content: bytes, source: object) -> Mapping[str, Any]:
    """Arrays in safetensors bytes.

    Raises
    ------
    BirthmarkError
        If the bytes are none.
    """
    try:
        return safetensors.numpy.load(content)
    except Exception as error:  # the library raises errors of several kinds on broken bytes
        raise BirthmarkError(source, f"its outputs are unreadable ({error})", FIX) from error


def _outputs(
    tensors: Mapping[str, Any], name: str, description: Description, n: int, where: str
) -> Outputs:
    values = tensors.get(name)
    dtype = np.int64 if description.output is Kind.LABELS else np.float32
    if values is None or values.dtype != dtype or values.ndim < 1 or len(values) != n:
        raise BirthmarkError(f"{where} {name}", f"is not {np.dtype(dtype)} for {n} probes", FIX)
    return Outputs.checked(values, description.output, f"{where} {name}")
