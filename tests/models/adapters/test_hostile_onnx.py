"""ONNX files made by someone who wishes harm: one line each, within the limits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import world
from birthmark import BirthmarkError, as_suspect
from birthmark.cli.main import main
from birthmark.models.adapters.onnx_names import INNER

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


def within(location: str) -> bytes:
    """A tensor in an attribute of a node in a branch."""
    held = helper.make_node("Constant", [], ["c"], value=tensor([64, 10], location=location))
    branch = helper.make_graph([held], "branch", [], [value("c", None)])
    nodes = [
        helper.make_node("If", ["true"], ["weights"], then_branch=branch, else_branch=branch),
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
    ]
    return model(nodes, [numpy_helper.from_array(np.array(True), "true")])


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
        lambda: linear(tensor([64, 10], location="../secret.data", length=2560)),
        "takes weights from '../secret.data', which is no file of its folder",
    ),
    "data at an absolute path": (
        lambda: linear(tensor([64, 10], location="/etc/passwd", length=640)),
        "takes weights from '/etc/passwd', which is no file",
    ),
    "data of the process": (
        lambda: linear(tensor([64, 10], location="/proc/self/environ")),
        "takes weights from '/proc/self/environ', which is no file",
    ),
    "data behind a link": (
        lambda: linear(tensor([64, 10], location="link.data", length=2560)),
        "leads out of the model's folder; put a copy into the folder",
    ),
    "data at an address": (
        lambda: linear(tensor([64, 10], location="*/_ORT_MEM_ADDR_/*", offset=1 << 22)),
        "which is no file of its folder",
    ),
    "a key's name": (
        lambda: linear(tensor([64, 10], location=".ssh/id_ed25519", length=2560)),
        "takes weights from '.ssh/id_ed25519', which is no file",
    ),
    "a hidden folder": (
        lambda: linear(tensor([64, 10], location=".cache/weights.bin", length=2560)),
        "which is no file",
    ),
    "no ending": (
        lambda: linear(tensor([64, 10], location="wallet", length=2560)),
        "save it again with all of them in one file",
    ),
    "hidden in an inner graph": (lambda: within(".ssh/id_ed25519"), "which is no file"),
    "data that is missing": (
        lambda: linear(tensor([64, 10], location="none.data", length=2560)),
        "none.data: does not exist",
    ),
    "data past the end": (
        lambda: linear(tensor([64, 10], location="weights.bin", offset=1 << 62)),
        "out of bounds",
    ),
    "absurd weights": (lambda: linear(tensor([64, 1 << 33])), "exceeds the 2147483648 byte limit"),
    "overflowing weights": (lambda: linear(tensor([1 << 62, 1 << 62])), "is not a readable ONNX"),
    "negative weights": (lambda: linear(tensor([-64, 10], WEIGHTS)), "Out of bounds dimensions"),
    "too few weights": (lambda: linear(tensor([64, 10], b"1234")), "does not match expected size"),
    "loop without end": (endless, "took too long on an image; to allow more seconds"),
    "memory": (filled, "failed on an image (Fail: Failed to allocate"),
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
        "answers have the shape (3,)",
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
    (folder / "link.data").symlink_to(tmp_path / "secret")
    for hidden in (".ssh/id_ed25519", ".cache/weights.bin", "wallet"):
        (folder / hidden).parent.mkdir(exist_ok=True)
        (folder / hidden).write_bytes(WEIGHTS)
    return folder


@pytest.mark.parametrize("case", ONNX)
def test_a_hostile_onnx_file_is_one_line(case: str, folder: Path) -> None:
    make, said = ONNX[case]
    file = folder / "m.onnx"
    file.write_bytes(make())
    with pytest.raises(BirthmarkError) as error:
        as_suspect(file, world.DECLARED).answer(IMAGES)
    assert said in str(error.value)
    assert str(folder) in error.value.subject
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 1500


def test_data_beside_a_model_are_part_of_it(
    folder: Path, fingerprint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "m.onnx"
    file.write_bytes(linear(tensor([64, 10], location="weights.bin", length=2560)))
    first = as_suspect(file, world.DECLARED)
    assert first.answer(IMAGES).values.shape == (3, 10)
    told = [one for one in fingerprint.audit(first).findings if "weights.bin" in one]
    assert told and "takes weights from other files in its folder" in told[0]
    (folder / "weights.bin").write_bytes(WEIGHTS[:-1] + b"1")
    second = as_suspect(file, world.DECLARED)
    assert first.description.digest != second.description.digest
    monkeypatch.setenv("HOME", str(folder))
    with pytest.raises(
        BirthmarkError, match="which holds your home; put the model into its own folder"
    ):
        as_suspect(file, world.DECLARED)


def test_the_messages_that_lead_to_tensors_are_those_of_onnx() -> None:
    def leads(message: Any, above: tuple[str, ...] = ()) -> bool:
        """Whether tensors are somewhere in a message."""
        inner = [field.message_type for field in message.fields if field.message_type]
        names = [one.name for one in inner]
        return "TensorProto" in names or any(
            leads(one, (*above, message.name)) for one in inner if one.name not in above
        )

    waiting, seen = [onnx.ModelProto.DESCRIPTOR], {}
    while waiting:
        message = waiting.pop()
        fields = {
            field.number: field.message_type
            for field in message.fields
            if field.message_type
            and (field.message_type.name == "TensorProto" or leads(field.message_type))
            and field.message_type.name != "TypeProto"
        }
        seen[message.name] = {number: one.name for number, one in fields.items()}
        waiting += [one for one in fields.values() if one.name not in (*seen, "TensorProto")]
    assert {name: seen[name] for name in INNER} == INNER
    assert seen.keys() == INNER.keys()


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
