"""Model files and recorded answers made by someone who wishes harm: one line each, in bounds."""

from __future__ import annotations

import io
import json
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image as Pillow

import world
from birthmark import BirthmarkError, Image, as_suspect
from birthmark.cli.main import main

FLOAT = TensorProto.FLOAT
IMAGES = [world.image_set()[i] for i in range(3)]


def value(name: str, shape: Any, kind: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def model(
    nodes: list[Any],
    weights: list[Any] | None = None,
    domains: tuple[str, ...] = (),
    shape: tuple[Any, ...] = ("n", 1, 8, 8),
    outputs: list[Any] | None = None,
) -> bytes:
    outputs = [value("logits", None)] if outputs is None else outputs
    graph = helper.make_graph(nodes, "g", [value("image", shape)], outputs, weights or [])
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(one, 1) for one in domains)]
    content: bytes = helper.make_model(
        graph, opset_imports=opsets, ir_version=9
    ).SerializeToString()
    return content


def linear(*weights: Any) -> bytes:
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
    ]
    return model(nodes, list(weights))


def tensor(dims: list[int], raw: bytes | None = None, **external: Any) -> Any:
    made = onnx.TensorProto(name="weights", data_type=FLOAT, dims=dims)
    if raw is not None:
        made.raw_data = raw
    if external:
        made.data_location = TensorProto.EXTERNAL
        for key, text in external.items():
            entry = made.external_data.add()
            entry.key, entry.value = key, str(text)
    return made


def endless() -> bytes:
    ins = [
        value("i", [], TensorProto.INT64),
        value("go", [], TensorProto.BOOL),
        value("x", None),
    ]
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Identity", ["x"], ["y"])],
        "body",
        ins,
        [value("on", [], TensorProto.BOOL), value("y", None)],
    )
    nodes = [
        helper.make_node("Loop", ["times", "true", "image"], ["last"], body=body),
        helper.make_node("Flatten", ["last"], ["logits"]),
    ]
    times = numpy_helper.from_array(np.array(2**63 - 1), "times")
    return model(nodes, [times, numpy_helper.from_array(np.array(True), "true")])


def repeated(*times: int) -> bytes:
    nodes = [
        helper.make_node("Tile", ["image", "times"], ["many"]),
        helper.make_node("Flatten", ["many"], ["logits"]),
    ]
    return model(nodes, [numpy_helper.from_array(np.array([1, 1, *times]), "times")])


def filled() -> bytes:
    nodes = [
        helper.make_node("ConstantOfShape", ["sides"], ["much"]),
        helper.make_node("ReduceSum", ["much"], ["sum"]),
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("Add", ["flat", "sum"], ["logits"]),
    ]
    return model(nodes, [numpy_helper.from_array(np.array([1 << 40]), "sides")])


def nested(depth: int) -> bytes:
    """Graphs in attributes of nodes of graphs: bytes as protobuf writes them."""
    graph = b""
    for field in [6, 5, 1] * depth:
        length, size = len(graph), b""
        while True:
            length, low = length >> 7, length & 127
            size += bytes([low | (128 if length else 0)])
            if not length:
                break
        graph = bytes([field << 3 | 2]) + size + graph
    return b"\x08\x09\x3a\x80\x80\x01" + graph


def single(kind: str, domain: str = "", **attributes: Any) -> bytes:
    node = helper.make_node(kind, ["image"], ["logits"], domain=domain, **attributes)
    return model([node], domains=(domain,) if domain else ())


FLATTEN = (helper.make_node("Flatten", ["image"], ["logits"]),)
WEIGHTS = b"\0" * 2560
ONNX: dict[str, tuple[Callable[[], bytes], str]] = {
    "data above": (
        lambda: linear(tensor([64, 10], location="../secret", length=2560)),
        "escapes model directory",
    ),
    "data at an absolute path": (
        lambda: linear(tensor([64, 10], location="/etc/passwd", length=640)),
        "Absolute path not allowed",
    ),
    "data of the process": (
        lambda: linear(tensor([64, 10], location="/proc/self/environ")),
        "Absolute path not allowed",
    ),
    "data behind a link": (
        lambda: linear(tensor([64, 10], location="link", length=2560)),
        "escapes model directory",
    ),
    "data at an address": (
        lambda: linear(tensor([64, 10], location="*/_ORT_MEM_ADDR_/*", offset=1 << 22)),
        "is not a readable ONNX model",
    ),
    "data past the end": (
        lambda: linear(tensor([64, 10], location="weights.bin", offset=1 << 62)),
        "out of bounds",
    ),
    "absurd weights": (lambda: linear(tensor([64, 1 << 33])), "exceeds the 2147483648 byte limit"),
    "overflowing weights": (lambda: linear(tensor([1 << 62, 1 << 62])), "is not a readable ONNX"),
    "negative weights": (lambda: linear(tensor([-64, 10], WEIGHTS)), "Out of bounds dimensions"),
    "too few weights": (lambda: linear(tensor([64, 10], b"1234")), "does not match expected size"),
    "loop without end": (endless, "took too long on an image; if it may take more seconds"),
    "memory": (filled, "failed on an image (Fail: [ONNXRuntimeError]"),
    "memory by images": (lambda: repeated(1 << 12, 1 << 10), "failed on an image"),
    "wide answers": (lambda: repeated(1 << 7, 1 << 8), "answers with the shape (3, 2097152)"),
    "custom operator": (lambda: single("Evil", "evil"), "evil:Evil(-1) is not a registered"),
    "operator of a vendor": (
        lambda: single("EPContext", "com.microsoft", ep_cache_context="/bin/sh", embed_mode=0),
        "not compatible with any execution provider",
    ),
    "python operator": (lambda: single("PythonOp", "com.microsoft"), "is not a registered"),
    "deep nesting": (lambda: nested(5000), "Protobuf parsing failed"),
    "cycle": (
        lambda: model(
            [
                helper.make_node("Add", ["image", "b"], ["logits"]),
                helper.make_node("Identity", ["logits"], ["b"]),
            ]
        ),
        "is not acyclic",
    ),
    "no output": (lambda: model([], outputs=[]), "is not a readable ONNX model"),
    "words": (
        lambda: model(
            [helper.make_node("Cast", ["image"], ["logits"], to=TensorProto.STRING)],
            outputs=[value("logits", None, TensorProto.STRING)],
        ),
        "answers with object; export numbers",
    ),
    "a number": (
        lambda: model([helper.make_node("ReduceSum", ["image"], ["logits"], keepdims=0)]),
        "answered 3 images with the shape (1,)",
    ),
    "absurd batch": (
        lambda: model(
            [helper.make_node("Flatten", ["image"], ["logits"])], shape=(1 << 40, 1, 8, 8)
        ),
        "takes 1099511627776 images at a time; export it with a smaller batch",
    ),
    "nothing": (lambda: b"", "is not a readable ONNX model"),
    "cut": (lambda: linear(tensor([64, 10], WEIGHTS))[:1500], "Protobuf parsing failed"),
    "other bytes": (lambda: b"\xff" * 1000, "Protobuf parsing failed"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BIRTHMARK_SECONDS", "2")
    monkeypatch.setenv("BIRTHMARK_MEMORY_GIB", "0.5")
    (tmp_path / "secret").write_bytes(WEIGHTS)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(WEIGHTS)
    (folder / "link").symlink_to(tmp_path / "secret")
    return folder


@pytest.mark.parametrize("case", ONNX)
def test_a_hostile_onnx_file_is_one_line(case: str, folder: Path) -> None:
    make, said = ONNX[case]
    file = folder / "m.onnx"
    file.write_bytes(make())
    with pytest.raises(BirthmarkError) as error:
        as_suspect(file, world.DECLARED).answer(IMAGES)
    assert said in str(error.value)
    assert "m.onnx" in error.value.subject
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 1500


def test_data_beside_a_model_is_read(folder: Path) -> None:
    file = folder / "m.onnx"
    file.write_bytes(linear(tensor([64, 10], location="weights.bin", length=2560)))
    assert as_suspect(file, world.DECLARED).answer(IMAGES).values.shape == (3, 10)


@pytest.mark.parametrize("case", ["loop without end", "deep nesting", "data above"])
def test_a_hostile_file_ends_an_audit_with_code_2(
    case: str,
    folder: Path,
    sealed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (folder / "m.onnx").write_bytes(ONNX[case][0]())
    audit = ["audit", str(sealed), "--suspect", "m.onnx", "--out", "out", *world.DECLARING]
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["birthmark", *audit])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capfd.readouterr().err.strip().splitlines()
    assert said[-1].startswith("birthmark: m.onnx: ")
    assert not (folder / "out").exists()


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
    "unpacks to much": ("npz", lambda: zip_that_says(3 << 30), "unpacks to over 1024 MiB"),
    "one number": ("npz", lambda: saved(values=np.float32(1)), "holds one number"),
    "many answers": ("npz", lambda: saved(values=np.zeros((1 << 20, 2))), "holds over 100000"),
    "names, too few": (
        "npz",
        lambda: saved(values=GOOD, probes=["a"]),
        "its 'probes' are <U1 of the shape (1,)",
    ),
    "names, numbers": ("npz", lambda: saved(values=GOOD, probes=[1, 2, 3]), "'probes' are int64"),
    "kinds": ("npz", lambda: saved(values=GOOD, kind=["logits"] * 3), "its 'kind' is <U6"),
    "tensor header": ("safetensors", lambda: struct.pack("<Q", 1 << 60), "header is too long"),
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
    "long line": ("csv", lambda: b"probe," + b"1," * (1 << 23), "has a line of over 16777216"),
    "many columns": ("csv", lambda: b"probe" + b",1" * ((1 << 20) + 1), "up to 1048576 numbers"),
    "many lines": ("csv", lambda: b"probe,a,b\n" + b"x,1,2\n" * 100_001, "holds over 100000"),
    "long cell": (
        "csv",
        lambda: b'probe,a,b\n"' + b"x\n" * 200_000 + b'",1,2',
        "no table of numbers",
    ),
    "other bytes": ("csv", lambda: b"probe,a,b\n\xff\xfe,1,2", "no table of numbers"),
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
    "more pixels than bytes": (lambda: resized(8000, 8000), "is broken after its header"),
    "text bomb": (lambda: png((b"zTXt", b"a\0\0" + compressed(4 << 20))), "image"),
    "profile bomb": (lambda: png((b"iCCP", b"a\0\0" + compressed(4 << 20))), "image"),
    "cut": (lambda: png()[:44], "is broken after its header"),
}


@pytest.mark.parametrize("case", PICTURES)
def test_hostile_pictures_are_one_line(case: str) -> None:
    make, said = PICTURES[case]
    with pytest.raises(BirthmarkError) as error:
        _ = Image(make(), "probe.png").pixels
    assert said in str(error.value) or said == "image"
    assert str(error.value).isprintable()


def test_only_the_first_frame_counts() -> None:
    file = io.BytesIO()
    frames = [Pillow.new("L", (8, 8), i) for i in range(3)]
    frames[0].save(file, "TIFF", save_all=True, append_images=frames[1:])
    assert not Image(file.getvalue(), "probe.tif").pixels.any()
