"""Changes that keep a file's outer form, so that what lies behind checks is reached too."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from birthmark import BirthmarkError
from birthmark.audit.answers import read_answers
from birthmark.common.digests import canonical_json, sha256
from fuzzing.structured import changed_text, odd

Blind = Callable[[bytes], bytes]
"""Changes bytes without knowing what they mean."""
Mutator = Callable[[bytes, Random, Blind], bytes]
"""Changes a file of a known form, by chance and a blind mutator."""


def changed_json(data: bytes, rnd: Random, blind: Blind) -> bytes:
    """JSON with its structure changed, or its bytes."""
    if rnd.random() < 0.3:
        return blind(data)
    try:
        return changed_text(data, rnd)
    except (ValueError, RecursionError):
        return blind(data)


def changed_toml(data: bytes, rnd: Random, blind: Blind) -> bytes:
    """TOML with lines replaced, removed, doubled, moved or given odd values."""
    if rnd.random() < 0.4:
        return blind(data)
    lines = data.decode(errors="replace").split("\n")
    for _ in range(rnd.choice((1, 1, 2, 4))):
        at = rnd.randrange(len(lines))
        key = lines[at].partition("=")[0].strip() or "a"
        try:
            value = json.dumps(odd(rnd))
        except ValueError:
            value = "nan"
        lines[at : at + 1] = rnd.choice(
            (
                [],
                [lines[at], lines[at]],
                [lines[at], rnd.choice(lines)],
                [f"{key} = {json.dumps(lines[at].partition('=')[2])}"],
                [f"{key} = [{lines[at].partition('=')[2]}]"],
                [rnd.choice(lines).partition("=")[0] + "=" + lines[at].partition("=")[2]],
                [f"{key} = {value}"],
                [f"{key} = {rnd.choice(('1979-05-27', 'inf', '0x1F', '[[1], {a = 1}]', '1e999'))}"],
                [f"{key}.a = {value}"],
                [f"[{key}]"],
                [f"[[{key}]]"],
                [f"{key} = {'[' * rnd.randrange(2000)}"],
                [f"{key} = {'1' * rnd.randrange(6000)}"],
            )
        )
        lines = lines or [""]
    return "\n".join(lines).encode(errors="replace")


def changed_csv(data: bytes, rnd: Random, blind: Blind) -> bytes:
    """A table with cells or lines changed."""
    if rnd.random() < 0.4:
        return blind(data)
    lines = data.decode(errors="replace").split("\n")
    for _ in range(rnd.choice((1, 1, 2, 4))):
        at = rnd.randrange(len(lines))
        cells = lines[at].split(",")
        cells[rnd.randrange(len(cells))] = rnd.choice(
            ("", "nan", "inf", "1e999", "-1", '"', '"a""b"', "1_0", "٣", "\x00", "label", "0x1")
        )
        lines[at : at + 1] = rnd.choice(
            ([], [lines[at]] * 2, [",".join(cells)], [lines[at] + ",1"], [lines[at] + "\r"])
        )
        lines = lines or [""]
    return "\n".join(lines).encode(errors="replace")


def changed_safetensors(data: bytes, rnd: Random, blind: Blind) -> bytes:
    """Safetensors with the header's JSON changed, its length right."""
    if rnd.random() < 0.3 or len(data) < 8:
        return blind(data)
    (length,) = struct.unpack("<Q", data[:8])
    header, body = data[8 : 8 + length], data[8 + length :]
    if rnd.random() < 0.3 and body:
        return data[: 8 + length] + blind(body)
    header = changed_json(header, rnd, blind)
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + body


NPY_TYPES = ("|u1", "<f4", ">f8", "<i8", "<U9", "|O", "<M8[s]", "|b1", "<c8", "|V3", "<f2", "|S2")


def changed_npy(data: bytes, rnd: Random, blind: Blind) -> bytes:
    """An array file with its header's fields changed, its length right."""
    start = data.find(b"{")
    end = data.find(b"\n", start)
    if rnd.random() < 0.3 or not data.startswith(b"\x93NUMPY") or start < 0 or end < 0:
        return blind(data)
    shape = tuple(rnd.choice((0, 1, 2, 3, 4, 8, -1, 2**31, 2**62)) for _ in range(rnd.randrange(5)))
    order = rnd.choice(("True", "False", "False", "None"))
    made = f"{{'descr': {rnd.choice(NPY_TYPES)!r}, 'fortran_order': {order}, 'shape': {shape}, }}\n"
    header = rnd.choice((made.encode(), blind(data[start : end + 1])))
    body = data[end + 1 :]
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) & 0xFFFF) + header + body


def changed_frames(data: bytes, rnd: Random, blind: Blind) -> bytes:
    """A message with the header's JSON changed, its length right, and perhaps another after it."""
    length = int.from_bytes(data[:4], "little")
    if rnd.random() < 0.3 or len(data) < 4 + length:
        return blind(data)
    header = changed_json(data[4 : 4 + length], rnd, blind)
    made = len(header).to_bytes(4, "little") + header + data[4 + length :]
    return made + rnd.choice((b"", data))


def unzipped(data: bytes) -> dict[str, bytes] | None:
    """The members of a small zip, None if it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > 1 << 20:
                return None
            return {name: archive.read(name) for name in archive.namelist()}
    except Exception:
        return None


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of these members, in the form in which fingerprints are written."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.comment = sha256(members.get("manifest.json", b"")).encode()
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = 0o644 << 16
            archive.writestr(member, content, compress_type=compression)
    return buffer.getvalue()


def _member(name: str, data: bytes, rnd: Random, blind: Blind) -> bytes:
    by_ending: dict[str, Mutator] = {
        "json": changed_json,
        "npy": changed_npy,
        "safetensors": changed_safetensors,
    }
    known = by_ending.get(name.rpartition(".")[2])
    return known(data, rnd, blind) if known else blind(data)


def _changed_members(
    data: bytes, rnd: Random, blind: Blind, mended: Callable[[dict[str, bytes]], None]
) -> bytes:
    members = unzipped(data) if rnd.random() < 0.8 else None
    if not members:
        return blind(data)
    name = rnd.choice([*members, *(n for n in members if n.endswith(".json"))])
    kind = rnd.randrange(12)
    if kind == 0:
        del members[name]
    elif kind == 1:
        members[rnd.choice(("a", "../a", "\x1b", "values.npy", "images.npy", "a/"))] = members[name]
    else:
        members[name] = _member(name, members[name], rnd, blind)
    if rnd.random() < 0.7:
        mended(members)
    compression = rnd.choice((0, 0, 0, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
    try:
        return zipped(members, compression if not mended_is_stored(mended) else 0)
    except (ValueError, UnicodeError):
        return blind(data)


def mended_is_stored(mended: Callable[[dict[str, bytes]], None]) -> bool:
    """Whether a form takes stored members only."""
    return mended is _mended_bundle


def _mended_bundle(members: dict[str, bytes]) -> None:
    """Make the manifest's digests those of the members."""
    try:
        manifest = json.loads(members["manifest.json"])
        for record in manifest["probes"]:
            record["digest"] = sha256(members[f"probes/{record['file']}"])
        manifest["outputs"] = sha256(members["outputs.safetensors"])
        members["manifest.json"] = canonical_json(manifest)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        pass


def _mended_answers(members: dict[str, bytes]) -> None:
    try:
        manifest = json.loads(members["manifest.json"])
        halves = zip(members["low.bin"], members["high.bin"], strict=True)
        manifest["values"] = sha256(bytes(byte for pair in halves for byte in pair))
        members["manifest.json"] = canonical_json(manifest)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        pass


def _as_is(members: dict[str, bytes]) -> None:
    """Leave them."""


def changed_bundle(data: bytes, rnd: Random, blind: Blind) -> bytes:
    """A fingerprint with a member changed and the digests of it right."""
    return _changed_members(data, rnd, blind, _mended_bundle)


def changed_answers(data: bytes, rnd: Random, blind: Blind) -> bytes:
    """A zoo's answers with a member changed and the digest of the numbers right."""
    return _changed_members(data, rnd, blind, _mended_answers)


def changed_npz(data: bytes, rnd: Random, blind: Blind) -> bytes:
    """An npz with an array changed."""
    return _changed_members(data, rnd, blind, _as_is)


def changed_image(data: bytes, rnd: Random, blind: Blind) -> bytes:
    """A PNG with the content of a chunk changed and its check sum right; others blindly."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or rnd.random() < 0.3:
        return blind(data)
    chunks, at = [], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    if not chunks:
        return blind(data)
    chosen = rnd.randrange(len(chunks))
    kind, content = chunks[chosen]
    if kind == b"IDAT" and rnd.random() < 0.7:
        try:
            content = zlib.compress(blind(zlib.decompressobj().decompress(content, 1 << 16)), 1)
        except zlib.error:
            content = blind(content)
    else:
        content = blind(content)
    chunks[chosen] = (rnd.choice((kind, kind, kind, b"zTXt", b"iCCP", b"tRNS", b"acTL")), content)
    if rnd.random() < 0.1:
        chunks.insert(rnd.randrange(len(chunks)), rnd.choice(chunks))
    return data[:8] + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def changed_evidence(data: bytes, rnd: Random, blind: Blind) -> bytes:
    """Evidence with its statement, fingerprint or answers changed, and signed again."""
    try:
        fields = json.loads(data)
        payload = base64.b64decode(fields["envelope"]["payload"])
        held = {name: base64.b64decode(one) for name, one in (fields["materials"] or {}).items()}
        kind = rnd.randrange(10)
        if kind == 0:
            return changed_text(data, rnd)
        if kind == 1 and held:
            held["fingerprint"] = changed_bundle(held["fingerprint"], rnd, blind)
        elif kind == 2 and held:
            held["answers"] = changed_safetensors(held["answers"], rnd, blind)
        elif kind == 3 and fields["timestamp"]:
            fields["timestamp"] = _base64(blind(base64.b64decode(fields["timestamp"])))
        else:
            payload = changed_json(payload, rnd, blind)
        payload = _of_files(payload, held) if rnd.random() < 0.8 else payload
        fields["materials"] = {name: _base64(one) for name, one in held.items()} or None
        return signed_again(fields, payload)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return blind(data)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _of_files(payload: bytes, held: dict[str, bytes]) -> bytes:
    """A statement in its one form, about these files."""
    statement = json.loads(payload)
    for one in statement["subject"]:
        content = held.get(one["name"].partition(".")[0])
        if content is not None:
            one["digest"]["sha256"] = sha256(content).removeprefix("sha256:")
    if held:
        statement["predicate"]["result"]["fingerprint"] = sha256(held["fingerprint"])
        with contextlib.suppress(BirthmarkError):
            outputs = read_answers(held["answers"], "a").given.outputs
            statement["predicate"]["result"]["answers"] = outputs.digest
    return canonical_json(statement)


@cache
def signer() -> Any:
    """Whoever signs evidence here; its key is no secret."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer import CryptoSigner

    return CryptoSigner(Ed25519PrivateKey.from_private_bytes(bytes(32)))


def signed_again(fields: dict[str, Any], payload: bytes) -> bytes:
    """Evidence's JSON with this statement, which the enclosed key has signed."""
    from securesystemslib import dsse

    envelope = fields["envelope"]
    signature = dsse.Envelope(payload, envelope["payloadType"], {}).sign(signer()).signature
    envelope["payload"] = _base64(payload)
    envelope["signatures"][0]["sig"] = _base64(bytes.fromhex(signature))
    return canonical_json(fields)


def blindly(data: bytes, rnd: Random, blind: Blind) -> bytes:  # noqa: ARG001
    """A file of which no form is known."""
    return blind(data)


MUTATORS: dict[str, Mutator] = {
    "bundle": changed_bundle,
    "audit": changed_bundle,
    "image": changed_image,
    "images-folder": changed_image,
    "images-npz": changed_npz,
    "answers-npz": changed_npz,
    "answers-csv": changed_csv,
    "answers-safetensors": changed_safetensors,
    "declaration": changed_toml,
    "zoo-plan": changed_toml,
    "api-template": changed_toml,
    "api-answer": changed_json,
    "zoo-record": changed_json,
    "zoo-answers": changed_answers,
    "evidence": changed_evidence,
    "result": changed_json,
    "audit-answers": changed_safetensors,
    "split-plan": changed_json,
    "references-record": changed_json,
    "references-recipe": changed_toml,
    "sandbox-frames": changed_frames,
    "weights-table": changed_json,
    "hugging-face": changed_json,
    "weights-safetensors": changed_safetensors,
    "weights-torchscript": changed_npz,
    "weights-pt2": changed_npz,
    "weights-keras": changed_npz,
    "weights-saved-model": changed_npz,
}
"""Files of other targets are changed blindly."""
