"""One linear layer, read from every kind of file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import model_files
import world
from birthmark.models.weights import read_weights

pytest.importorskip("torch", reason="the extra 'torch' is not installed")

FILES: dict[str, Callable[[Path], Path]] = {
    "torchscript": model_files.torchscript,
    "pt2": model_files.exported,
    "keras": model_files.keras,
    "saved model": model_files.saved_model,
    "safetensors": model_files.weights,
}
NEEDS = {"keras": "keras", "saved model": "tensorflow"}


@pytest.mark.parametrize("kind", FILES)
def test_every_format_gives_the_same_weights(kind: str, tmp_path: Path) -> None:
    if kind in NEEDS:
        pytest.importorskip(NEEDS[kind])
    (one,) = read_weights(FILES[kind](tmp_path))
    np.testing.assert_allclose(one.values, world.victim().coef_, rtol=1e-5, atol=1e-6)


def test_tensorflow_lite(tmp_path: Path) -> None:
    """Of a convolution and a dense layer, plain and in eight bits."""
    pytest.importorskip("ai_edge_litert", reason="the extra 'tflite' is not installed")
    tensorflow: Any = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(0)
    kernel = rng.standard_normal((3, 3, 3, 16), np.float32)
    matrix = rng.standard_normal((16, 10), np.float32)

    class Network(tensorflow.Module):  # type: ignore[misc]
        @tensorflow.function(input_signature=[tensorflow.TensorSpec((1, 8, 8, 3), name="images")])
        def __call__(self, images):  # type: ignore[no-untyped-def]
            features = tensorflow.nn.conv2d(images, kernel, 1, "SAME")
            return tensorflow.reduce_mean(features, (1, 2)) @ matrix

    network = Network()
    for eight in (False, True):
        function = network.__call__.get_concrete_function()
        make = tensorflow.lite.TFLiteConverter.from_concrete_functions([function], network)
        if eight:
            make.optimizations = [tensorflow.lite.Optimize.DEFAULT]
            make.representative_dataset = lambda: ([np.ones((1, 8, 8, 3), np.float32)],)
        (tmp_path / "m.tflite").write_bytes(make.convert())
        read = {one.values.ndim: one.values for one in read_weights(tmp_path / "m.tflite")}
        for have, want in ((read[4], kernel.transpose(3, 2, 0, 1)), (read[2], matrix.T)):
            assert have.shape == want.shape
            assert np.corrcoef(have[0].ravel(), want[0].ravel())[0, 1] > 0.999
