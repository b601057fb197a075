"""Recorded answers and images made by someone who wishes harm: one line each, in bounds."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from birthmark import BirthmarkError, Image, as_suspect


def npy(shape: tuple[int, ...], dtype: str = "<f4", data: bytes = b"") -> bytes:
    file = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + data


def npz(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def saved(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def safetensors(header: dict[str, Any] | bytes, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def one(dtype: str, shape: list[int], offsets: list[int]) -> dict[str, Any]:
    return {"values": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def zip_that_says(size: int) -> bytes:
    """16 MiB of zeros in an archive that says another size."""
    content = bytearray(npz(values=npy((1 << 24,), "|u1", bytes(1 << 24))))
    place = content.rindex(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", size)
    return bytes(content)


GOOD = np.eye(3, dtype=np.float32)
RECORDED: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "objects": ("npz", lambda: saved(values=np.array([{}], dtype=object)), "plain arrays"),
    "absurd shape": ("npz", lambda: npz(values=npy((1 << 40, 1 << 20))), "too short for its shape"),
    "negative shape": ("npz", lambda: npz(values=npy((-1, 3))), "is not a readable npz"),
    "absurd numbers": ("npz", lambda: npz(values=npy((3,), "|S2000000000")), "too short"),
    "no array": ("npz", lambda: npz(values=b"\x80\x04 not an array"), "is not a readable npz"),
    "long header": (
        "npz",
        lambda: npz(values=b"\x93NUMPY\x02\x00\xff\xff\xff\x0f{" + b" " * 100),
        "is not a readable npz",
    ),
    "code as header": (
        "npz",
        lambda: npz(values=b"\x93NUMPY\x01\x00\x20\x00__import__('os').abort()       \n"),
        "is not a readable npz",
    ),
    "zip bomb": ("npz", lambda: zip_that_says(200), "is not a readable npz"),
    "unpacks to much": ("npz", lambda: zip_that_says(3 << 30), "unpacks to over 512 MiB"),
    "one number": ("npz", lambda: saved(values=np.float32(1)), "holds one number"),
    "many answers": ("npz", lambda: saved(values=np.zeros((1 << 20, 2))), "holds over 100000"),
    "names, too few": (
        "npz",
        lambda: saved(values=GOOD, probes=["a"]),
        "its 'probes' are <U1 of the shape (1,)",
    ),
    "names, numbers": ("npz", lambda: saved(values=GOOD, probes=[1, 2, 3]), "'probes' are int64"),
    "kinds": ("npz", lambda: saved(values=GOOD, kind=["logits"] * 3), "its 'kind' is <U6"),
    "tensor header": ("safetensors", lambda: struct.pack("<Q", 1 << 60), "bytes long"),
    "tensor overlap": (
        "safetensors",
        lambda: safetensors(
            one("F32", [2, 2], [0, 16])
            | {"other": {"dtype": "F32", "shape": [2, 2], "data_offsets": [8, 24]}},
            bytes(24),
        ),
        "is not readable safetensors",
    ),
    "tensor outside": (
        "safetensors",
        lambda: safetensors(one("F32", [2, 2], [0, 16]), bytes(8)),
        "is not readable safetensors",
    ),
    "tensor shape": (
        "safetensors",
        lambda: safetensors(one("F32", [1 << 40, 1 << 40], [0, 16]), bytes(16)),
        "is not readable safetensors",
    ),
    "tensor type": (
        "safetensors",
        lambda: safetensors(one("PICKLE", [2, 2], [0, 16]), bytes(16)),
        "is not readable safetensors",
    ),
    "no tensor": (
        "safetensors",
        lambda: safetensors(b"[" * 5000),
        "is not readable safetensors",
    ),
    "long line": ("csv", lambda: b"probe," + b"1," * (1 << 23), "has a line that is too long"),
    "many columns": (
        "csv",
        lambda: b"probe" + b",1" * ((1 << 20) + 1),
        "has a line that is too long",
    ),
    "many lines": (
        "csv",
        lambda: b"probe,a,b\n" + b"".join(b"%d,1,2\n" % i for i in range(100_001)),
        "holds over 100000",
    ),
    "long cell": (
        "csv",
        lambda: b'probe,a,b\n"' + b"x\n" * 200_000 + b'",1,2',
        "not a table of numbers",
    ),
    "other bytes": ("csv", lambda: b"probe,a,b\n\xff\xfe,1,2", "not a table of numbers"),
    "infinite": ("csv", lambda: b"probe,a,b\nx,1e999,2", "NaN or infinity"),
}


@pytest.mark.parametrize("case", RECORDED)
def test_hostile_recorded_answers_are_one_line(case: str, tmp_path: Path) -> None:
    ending, make, said = RECORDED[case]
    file = tmp_path / f"v.{ending}"
    file.write_bytes(make())
    with pytest.raises(BirthmarkError) as error:
        as_suspect(file, {"output": "logits"})
    assert said in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 1500


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    import zlib

    whole = io.BytesIO()
    Pillow.new("L", (8, 8)).save(whole, "PNG")
    content, extra = whole.getvalue(), b""
    for kind, data in chunks:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        extra += struct.pack(">I", len(data)) + kind + data + crc
    return content[:33] + extra + content[33:]


def compressed(size: int) -> bytes:
    import zlib

    return zlib.compress(bytes(size), 9)


def resized(width: int, height: int) -> bytes:
    """A PNG whose header says another size."""
    import zlib

    content = bytearray(png())
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    return bytes(content)


PICTURES: dict[str, tuple[Callable[[], bytes], str]] = {
    "absurd sides": (lambda: resized(1 << 30, 1 << 30), "is not a readable image"),
    "large sides": (lambda: resized(9000, 9000), "is 9000x9000, over 8192 a side"),
    "more pixels than bytes": (lambda: resized(8000, 8000), "over 36,000,000 pixels"),
    "text bomb": (lambda: png((b"zTXt", b"a\0\0" + compressed(4 << 20))), "image"),
    "profile bomb": (lambda: png((b"iCCP", b"a\0\0" + compressed(4 << 20))), "image"),
    "cut": (lambda: png()[:44], "is broken after its header"),
}


@pytest.mark.parametrize("case", PICTURES)
@pytest.mark.parametrize("lenient", [False, True])
def test_hostile_pictures_are_one_line(
    case: str, lenient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", lenient)
    make, said = PICTURES[case]
    with pytest.raises(BirthmarkError) as error:
        _ = Image(make(), "probe.png").pixels
    assert said in str(error.value) or said == "image"
    assert str(error.value).isprintable()
