"""Small files that would fill the memory if they were believed: python -m fuzzing.bombs."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import struct
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from PIL import Image as Pillow

from birthmark import BirthmarkError, ImageSet
from birthmark.bundle import read_bundle
from birthmark.data.images import Image, encoded
from birthmark.evidence import read_evidence
from birthmark.evidence.folder import read_result
from birthmark.models.adapters import open_suspect
from birthmark.models.adapters.declaration import declared_beside
from birthmark.models.api_format.document import parsed
from birthmark.references.record import References
from birthmark.zoo.answers import read_answers
from fuzzing.model_targets import weights_table

MIB = 1 << 20
EMPTY = b"{}," * 5_000_000
PATIENCE = 60
"""Seconds of waiting for a reader."""
Write = Callable[[Path], None]
Read = Callable[[Path], object]


def _png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(3 * 8 + 1))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b""))
    )


def _zeros(count: int) -> bytes:
    packer = zlib.compressobj(1)
    parts = [packer.compress(bytes(MIB)) for _ in range(count // MIB)]
    return b"".join([*parts, packer.flush()])


def _picture(data: Callable[[], bytes]) -> tuple[str, Write, Read]:
    def write(path: Path) -> None:
        path.write_bytes(data())

    return "a.png", write, lambda path: Image(path.read_bytes(), "a.png").pixels


def _chunk(kind: bytes, before: bytes) -> tuple[str, Write, Read]:
    return _picture(lambda: _png(8, 8, (kind, before + _zeros(1 << 30))))


def _tiff() -> bytes:
    data = bytearray(encoded(Pillow.new("RGB", (8, 8)), "TIFF"))
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    for i in range(count):
        struct.pack_into("<I", data, at + 2 + 12 * i + 4, 0xFFFFFFF)
    return bytes(data)


def _webp() -> bytes:
    frames = [Pillow.new("RGB", (4000, 4000), (i, 0, 0)) for i in range(4)]
    return encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])


def _scans() -> bytes:
    data = encoded(Pillow.new("L", (4000, 4000)), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    return data[:at] + data[at:-2] * 2000 + b"\xff\xd9"


def _npz(name: str, size: int) -> Write:
    def write(path: Path) -> None:
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size // 64}, 8, 8), }}\n"
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open(f"{name}.npy", "w", force_zip64=True) as member,
        ):
            member.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)))
            member.write(header.encode())
            for _ in range(size // MIB):
                member.write(bytes(MIB))

    return write


def _header(text: str) -> Write:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            body = b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text.encode()
            archive.writestr("values.npy", body)

    return write


def _parquet(path: Path) -> None:
    cell = {"bytes": bytes(32 * MIB), "path": None}
    table = pa.table({"image": pa.array([cell] * 32)})
    pyarrow.parquet.write_table(table, path, compression="zstd", row_group_size=32)


def _footer(path: Path) -> None:
    cell = {"bytes": b"a", "path": None}
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"image": pa.array([cell])}), buffer)
    data = buffer.getvalue()
    path.write_bytes(data[:-8] + struct.pack("<I", 0x7FFFFFF0) + data[-4:])


def _tensors(path: Path) -> None:
    entry = '"%07d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},'
    text = "{" + "".join(entry % i for i in range(99_000_000 // 58))[:-1] + "}"
    path.write_bytes(struct.pack("<Q", len(text)) + text.encode())


def _line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"probe,a\n0,")
        for _ in range(100):
            file.write(b"1" * MIB)


def _columns(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"probe" + b",a" * 50_000_000 + b"\n")


def _rows(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"probe" + b",a" * 10_000 + b"\n")
        for i in range(20_000):
            file.write(b"%d" % i + b",1" * 10_000 + b"\n")


def _members(path: Path) -> None:
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 1) + bytes(16) + b"a"
    count = 2_000_000
    first = b"PK\x03\x04" + bytes(26)
    listed = entry * count
    place = len(first) + len(listed)
    ends = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(listed), 30)
    ends += struct.pack("<4sLQL", b"PK\x06\x07", 0, place, 1)
    ends += struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    path.write_bytes(first + listed + ends)


def _manifest(path: Path) -> None:
    names = ",".join(f'"{i}":0' for i in range(1_200_000))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", f'{{"format":"birthmark-fingerprint/1",{names}}}')


def _answers(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive,
        archive.open("manifest.json", "w", force_zip64=True) as member,
    ):
        for _ in range(2048):
            member.write(bytes(MIB))


def _key(path: Path) -> None:
    path.write_bytes(b".".join([b"a"] * 32_000) + b" = 1")


BOMBS: dict[str, tuple[str, Write, Read]] = {
    "PNG of 60000x60000": _picture(lambda: _png(60_000, 60_000)),
    "PNG of 8192x8192": _picture(lambda: encoded(Pillow.new("P", (8192, 8192)), "PNG")),
    "PNG, zTXt of 1 GiB": _chunk(b"zTXt", b"a\0\0"),
    "PNG, iTXt of 1 GiB": _chunk(b"iTXt", b"a\0\1\0\0\0"),
    "PNG, iCCP of 1 GiB": _chunk(b"iCCP", b"a\0\0"),
    "TIFF, tags of 268 million values": _picture(_tiff),
    "WEBP that moves": _picture(_webp),
    "JPEG of 2000 scans": _picture(_scans),
    "npz of images, 2 GiB in 2 MB": ("a.npz", _npz("images", 2 << 30), ImageSet.open),
    "npz of answers, 400 MiB in 400 kB": (
        "a.npz",
        _npz("values", 400 << 20),
        lambda p: open_suspect(str(p)),
    ),
    "npz, a shape of 2^60": (
        "a.npz",
        _header("{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976,), }\n"),
        lambda path: open_suspect(str(path)),
    ),
    "npz, a shape of 16 GiB": (
        "a.npz",
        _header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,), }\n"),
        lambda path: open_suspect(str(path)),
    ),
    "npz, a nested header": (
        "a.npz",
        _header("{'descr': " + "(" * 9000 + "\n"),
        lambda path: open_suspect(str(path)),
    ),
    "Parquet, 1 GiB of zeros": ("a.parquet", _parquet, ImageSet.open),
    "Parquet, a footer of 2 GiB": ("a.parquet", _footer, ImageSet.open),
    "safetensors, a header of 99 MB": (
        "a.safetensors",
        _tensors,
        lambda path: open_suspect(str(path)),
    ),
    "CSV, a line of 100 MiB": (
        "a.csv",
        _line,
        lambda path: open_suspect(str(path), {"output": "logits"}),
    ),
    "CSV, 50 million columns": (
        "a.csv",
        _columns,
        lambda path: open_suspect(str(path), {"output": "logits"}),
    ),
    "CSV, 200 million numbers": (
        "a.csv",
        _rows,
        lambda path: open_suspect(str(path), {"output": "logits"}),
    ),
    "fingerprint of 2 million members": ("a.birthmark", _members, read_bundle),
    "fingerprint, 1.2 million fields": ("a.birthmark", _manifest, read_bundle),
    "zoo answers, 2 GiB of zeros": ("a.answers", _answers, read_answers),
    "fingerprint, 5 million empty objects": (
        "a.birthmark",
        lambda path: _zip(path, b'{"format":"birthmark-fingerprint/2","x":[' + EMPTY + b"{}]}"),
        read_bundle,
    ),
    "evidence, 5 million empty objects": (
        "evidence.json",
        lambda path: _written(path, b'{"format":"birthmark-evidence/1","x":[' + EMPTY + b"{}]}"),
        read_evidence,
    ),
    "result, 5 million empty objects": (
        "result.json",
        lambda path: _written(path, b'{"references":[' + EMPTY + b"{}]}"),
        read_result,
    ),
    "result, a field of 5 million empty texts": (
        "result.json",
        lambda path: _written(path, b'{"findings":[' + b'"",' * 5_000_000 + b'""]}'),
        read_result,
    ),
    "references, 5 million empty objects": (
        "references.json",
        lambda path: _written(path, b'{"references":[' + EMPTY + b"{}]}"),
        lambda path: References.read(path.parent),
    ),
    "evidence, 50 million ones": (
        "evidence.json",
        lambda path: _written(
            path, b'{"format":"birthmark-evidence/1","x":[' + b"1," * 50_000_000 + b"1]}"
        ),
        read_evidence,
    ),
    "answer of an API, 2.7 million empty objects": (
        "a.json",
        lambda path: _written(path, b"[" + EMPTY[: (8 * MIB - 4) // 3 * 3] + b"{}]"),
        lambda path: parsed(path.read_bytes(), "the API"),
    ),
    "weights in a process, a table of 5 million empty lists": (
        "a.json",
        lambda path: _written(path, b"[" + b"[]," * 5_000_000 + b"[]]"),
        lambda path: weights_table(path.read_bytes()),
    ),
    "TOML, a key of 32,000 parts": (
        "birthmark.toml",
        _key,
        lambda path: declared_beside(path.parent / "a.onnx"),
    ),
}


def _written(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _zip(path: Path, manifest: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("manifest.json", manifest)


def measured(name: str, folder: Path) -> tuple[str, float, float]:
    """What is said to one in a process of its own, and resident MiB before and at most."""
    file, write, read = BOMBS[name]
    path = folder / file
    inwards, outwards = os.pipe()
    writer = os.fork()
    if not writer:
        write(path)
        os._exit(0)
    assert os.waitpid(writer, 0)[1] == 0, name
    child = os.fork()
    if not child:
        signal.alarm(PATIENCE)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            read(path)
            said = "read"
        except BirthmarkError as error:
            said = str(error).removeprefix(str(folder))
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        os.write(outwards, json.dumps([said[:300], before / 1024, peak / 1024]).encode())
        os._exit(0)
    os.close(outwards)
    with os.fdopen(inwards) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    path.unlink()
    if not told:
        return "the process died", 0.0, float("inf")
    said, before, peak = json.loads(told)
    return said, before, peak


def main() -> None:
    """Print a line of JSON a bomb: its name, what is said to it, MiB before and at most."""
    np.zeros(1)
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or BOMBS:
            print(json.dumps([name, *measured(name, Path(folder))]), flush=True)


if __name__ == "__main__":
    main()
