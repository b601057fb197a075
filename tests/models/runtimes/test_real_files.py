"""Model files as people export them: preprocessing inside, odd shapes, batches of one, GPUs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import model_files
import world
from birthmark import BirthmarkError, Suspect, as_suspect
from birthmark.models.adapters.lookup import open_suspect

PROBES = [world.image_set()[i] for i in range(5)]
DECLARED = world.DECLARED | {"output": "logits"}


def expected() -> Any:
    return world.victim().decision_function(
        world.flat(np.stack([p.pixels[..., 0] for p in PROBES]))
    )


def linear(*more: Any, shape: Any = None, **header: Any) -> bytes:
    """The victim; `more` are nodes from `z` to `y`, or arrays by name."""
    weights = {"w": world.victim().coef_.T, "b": world.victim().intercept_}
    kept = [numpy_helper.from_array(a.astype(np.float32), n) for n, a in weights.items()]
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["u"]),
        helper.make_node("Add", ["u", "b"], ["z"]),
        *(one for one in more if isinstance(one, onnx.NodeProto)),
    ]
    kept += [one for one in more if isinstance(one, TensorProto)]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        kept,
    )
    stated = {"ir_version": 9, "opset": 17} | header
    opsets = [helper.make_opsetid("", stated.pop("opset"))]
    content: bytes = helper.make_model(graph, opset_imports=opsets, **stated).SerializeToString()
    return content


def shaped(*sides: int) -> tuple[Any, Any]:
    sizes = numpy_helper.from_array(np.array(sides), "sides")
    return helper.make_node("Reshape", ["z", "sides"], ["y"]), sizes


def opened(folder: Path, content: bytes, **fields: Any) -> Suspect:
    (folder / "m.onnx").write_bytes(content)
    return as_suspect(folder / "m.onnx", DECLARED | fields)


@pytest.mark.parametrize("sides", [(0, 10, 1, 1), (0, 1, 10)])
def test_axes_of_length_one_are_dropped(sides: tuple[int, ...], tmp_path: Path) -> None:
    said = opened(tmp_path, linear(*shaped(*sides))).answer(PROBES)
    assert np.allclose(said.values, expected(), atol=1e-4)


@pytest.mark.parametrize("sides", [(1, 10), (1, -1)])
def test_a_model_that_only_takes_one_image_is_asked_one_by_one(
    sides: tuple[int, ...], tmp_path: Path
) -> None:
    suspect = opened(tmp_path, linear(*shaped(*sides)))
    assert np.allclose(suspect.answer(PROBES).values, expected(), atol=1e-4)
    assert suspect.batch == 1


def test_one_sigmoid_unit_is_two_classes(tmp_path: Path) -> None:
    ones = numpy_helper.from_array(np.eye(10, 1, dtype=np.float32), "ones")
    nodes = [
        helper.make_node("MatMul", ["z", "ones"], ["one"]),
        helper.make_node("Sigmoid", ["one"], ["y"]),
    ]
    said = opened(tmp_path, linear(*nodes, ones), output="probabilities").answer(PROBES)
    assert np.allclose(said.values[:, 1], 1 / (1 + np.exp(-expected()[:, 0])), atol=1e-5)


NEWER: dict[str, dict[str, Any]] = {"IR version: 99": {"ir_version": 99}, "Opset 99": {"opset": 99}}


@pytest.mark.parametrize("said", NEWER)
def test_a_newer_file_is_named_as_such(said: str, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    node = helper.make_node("Identity", ["z"], ["y"])
    with pytest.raises(BirthmarkError, match=rf"is newer than .*{said}.*; upgrade onnxruntime"):
        opened(folder, linear(node, **NEWER[said]))


def test_what_onnxruntime_says_at_last_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        BirthmarkError, match=r"model \(InvalidGraph: This is an invalid model.*Foo"
    ):
        opened(tmp_path, linear(helper.make_node("Foo", ["z"], ["y"])))
    both = shaped(3, 7)
    with pytest.raises(BirthmarkError, match=r"image \(Fail: .*input tensor cannot be reshaped"):
        opened(tmp_path, linear(*both)).answer(PROBES)


def test_your_own_file_may_run_on_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    (tmp_path / "m.onnx").write_bytes(linear(helper.make_node("Identity", ["z"], ["y"])))
    file = str(tmp_path / "m.onnx")
    with pytest.raises(BirthmarkError, match="install onnxruntime-gpu instead of"):
        open_suspect(file, DECLARED, device="cuda")
    with pytest.raises(BirthmarkError, match="pass cpu or cuda"):
        open_suspect(file, DECLARED, device="tpu")
    asked: list[list[str]] = []
    session = onnxruntime.InferenceSession

    def made(path: Any, settings: Any, providers: list[str]) -> Any:
        asked.append(providers)
        return session(path, settings, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "InferenceSession", made)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    said = open_suspect(file, DECLARED, device="cuda").answer(PROBES)
    assert np.allclose(said.values, expected(), atol=1e-4)
    assert asked == [["CUDAExecutionProvider", "CPUExecutionProvider"]]


def layer(kind: str, **config: Any) -> Callable[[Path], Path]:
    return lambda folder: model_files.keras(
        folder, before=[model_files.layer(kind, name="prepared", **config)]
    )


PREPARING = {
    "Rescaling": layer("Rescaling", scale=1 / 255, offset=0.0),
    "Normalization": layer("Normalization", mean=[0.0], variance=[255.0**2], axis=-1),
    "Resizing": layer("Resizing", height=8, width=8),
    "RandomFlip": layer("RandomFlip", mode="horizontal", seed=1),
    "RandomRotation": layer("RandomRotation", factor=0.1, seed=1),
}


@pytest.mark.parametrize("kind", PREPARING)
def test_keras_archives_may_prepare_images_themselves(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("keras", reason="the extra 'keras' is not installed")
    scaled = kind in ("Rescaling", "Normalization")
    fields = DECLARED | {
        "layout": "nhwc",
        "range": [0, 255 if scaled else 1],
        "mean": [0],
        "std": [1],
    }
    said = as_suspect(PREPARING[kind](tmp_path), fields).answer(PROBES)
    pixels = np.stack([probe.pixels[..., 0] for probe in PROBES]).reshape(5, -1) / 255
    assert np.allclose(
        said.values, pixels @ world.victim().coef_.T + world.victim().intercept_, atol=1e-4
    )
