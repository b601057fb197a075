"""Two files and nothing else: copies in every disguise, and networks that owe nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from birthmark import BirthmarkError
from birthmark.models.weights import read_weights
from birthmark.witnesses.weights.witness import weights
from disguised import DISGUISES, network, noisy, rearranged, saved

ALPHA = 0.01


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_copy_is_found(disguise: str, tmp_path: Path) -> None:
    victim = saved(tmp_path / "victim.safetensors", network(0))
    copy = saved(tmp_path / "copy.safetensors", DISGUISES[disguise](network(0)))
    said = weights(victim, copy, alpha=ALPHA)
    assert said.p_value is not None
    assert said.p_value < 1e-6
    assert said.exact
    assert "have a common ancestor" in said.sentence


@pytest.mark.parametrize(
    ("keep", "sort", "exact", "most"),
    [(1, False, False, 1e-6), (0.7, True, True, 1e-6), (0.7, False, False, 1e-4)],
)
def test_units_in_another_order_or_gone(
    keep: float, sort: bool, exact: bool, most: float, tmp_path: Path
) -> None:
    layers = {name: one for name, one in network(0).items() if name != "3"}
    victim = saved(tmp_path / "victim.safetensors", layers)
    hidden = rearranged(noisy(layers, 0.3), keep, sort=sort)
    said = weights(victim, saved(tmp_path / "copy.safetensors", hidden), alpha=ALPHA)
    assert said.p_value is not None
    assert said.p_value < most
    assert said.exact is exact
    assert ("not proven" in str(said.assumes)) is not exact


def test_independents_are_left_alone(tmp_path: Path) -> None:
    """Also where both keep units by a strong diagonal, which is no matter of chance."""
    victim = saved(tmp_path / "victim.safetensors", network(0))
    for seed in range(1, 20):
        other = saved(tmp_path / "other.safetensors", network(seed))
        said = weights(victim, other, alpha=ALPHA)
        assert said.p_value is not None
        assert said.p_value > ALPHA
        assert "which does not prove" in said.sentence


def test_beyond_a_checkpoint(tmp_path: Path) -> None:
    """All began from one; only the thief has more of the victim than that."""
    begun = network(0)
    victim = noisy(begun, 0.3, seed=1)
    files = {"init": begun, "victim": victim, "thief": noisy(victim, 0.1, seed=2)}
    files |= {f"r{i}": noisy(begun, 0.3, seed=10 + i) for i in range(6)}
    paths = {name: saved(tmp_path / f"{name}.safetensors", one) for name, one in files.items()}
    references = [paths[f"r{i}"] for i in range(1, 6)]
    for suspect, low, high in (("thief", 0, 1e-4), ("r0", 0.001, 1)):
        said = weights(
            paths["victim"],
            paths[suspect],
            alpha=ALPHA,
            init=paths["init"],
            references=references,
        )
        assert said.p_value is not None
        assert low <= said.p_value <= high
    assert weights(paths["victim"], paths["r0"], alpha=ALPHA).p_value < 1e-6  # type: ignore[operator]
    alone = weights(paths["victim"], paths["r0"], alpha=ALPHA, init=paths["init"])
    assert alone.p_value is None
    assert "pass --references" in alone.sentence


def test_what_can_not_be_compared(tmp_path: Path) -> None:
    victim = saved(tmp_path / "victim.safetensors", network(0))
    other = saved(tmp_path / "other.safetensors", {"a": np.ones((40, 20), np.float32)})
    said = weights(victim, other, alpha=ALPHA)
    assert said.p_value is None
    assert "can't be compared" in said.sentence
    constant = {name: np.ones_like(one) for name, one in network(0).items()}
    said = weights(victim, saved(tmp_path / "constant.safetensors", constant), alpha=ALPHA)
    assert said.p_value == 1
    tied = {name: np.repeat(one[:1], len(one), axis=0) for name, one in network(0).items()}
    both = saved(tmp_path / "tied.safetensors", tied)
    assert weights(both, both, alpha=ALPHA).p_value == 1


def test_bad_files(tmp_path: Path) -> None:
    broken = network(0)
    broken["2"][3, 4] = np.nan
    for path, words in (
        (saved(tmp_path / "nan.safetensors", broken), "2: holds numbers that are not finite"),
        (saved(tmp_path / "flat.safetensors", {"a": np.ones(3, np.float32)}), "no layer"),
        (tmp_path / "none.onnx", "does not exist"),
        (tmp_path / "model.pth", "pickle"),
    ):
        with pytest.raises(BirthmarkError, match=words):
            read_weights(path)
    (tmp_path / "junk.onnx").write_bytes(b"\x08\x08junk")
    with pytest.raises(BirthmarkError, match="is not a readable file of weights"):
        read_weights(tmp_path / "junk.onnx")


def test_onnx_as_quantisers_write_it(tmp_path: Path) -> None:
    """Plain, dequantised by channel, integers with a zero point, and a matrix transposed."""
    kernel, matrix = network(0)["2"], network(0)["head"]
    scale = np.abs(kernel).max((1, 2, 3)) / 127
    levels = np.round(kernel / scale.reshape(-1, 1, 1, 1)).astype(np.int8)
    constants = {
        "plain": kernel,
        "levels": levels,
        "scale": scale.astype(np.float32),
        "zeros": np.zeros(len(scale), np.int8),
        "bytes": (levels.astype(np.int16) + 128).astype(np.uint8),
        "zero": np.array(128, np.uint8),
        "matrix": matrix.T.copy(),
    }
    nodes = [
        helper.make_node("Conv", ["x", "plain"], ["a"]),
        helper.make_node("DequantizeLinear", ["levels", "scale", "zeros"], ["wide"], axis=0),
        helper.make_node("Conv", ["x", "wide"], ["b"]),
        helper.make_node("ConvInteger", ["x8", "bytes", "", "zero"], ["c"]),
        helper.make_node("MatMul", ["y", "matrix"], ["d"]),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 32, 8, 8])]
    graph = helper.make_graph(
        nodes, "g", inputs, [], [numpy_helper.from_array(v, k) for k, v in constants.items()]
    )
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph), path)
    read = {one.name: one.values for one in read_weights(path)}
    np.testing.assert_array_equal(read["plain"], kernel)
    np.testing.assert_allclose(read["wide"], kernel, atol=scale.max() / 2 + 1e-6)
    np.testing.assert_array_equal(read["bytes"], levels)
    np.testing.assert_array_equal(read["matrix"], matrix)


def test_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from birthmark.cli.main import main

    victim = saved(tmp_path / "victim.safetensors", network(0))
    monkeypatch.setattr(sys, "argv", ["birthmark", "weights", str(victim), str(victim), "--json"])
    with pytest.raises(SystemExit, match="0"):
        main()
    said = json.loads(capsys.readouterr().out)
    assert said["p_value"] < 1e-6
    assert said["sources"]["victim"] == said["sources"]["suspect"]
