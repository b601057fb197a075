"""A network's file answers as the network does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from birthmark import BirthmarkError
from birthmark.demo.network_file import require_onnx, write_network

MODELS = {
    "linear": LogisticRegression(),
    "one layer": MLPClassifier((7,), max_iter=300, random_state=0),
    "two layers, tanh": MLPClassifier((7, 5), "tanh", max_iter=300, random_state=0),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", MODELS)
def test_it_answers_alike(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, 4)).astype(np.float32)
    model: Any = MODELS[name].fit(inputs, inputs[:, :3].argmax(1))
    write_network(model, tmp_path / "made" / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "made" / "m.onnx")
    (answers,) = session.run(None, {"inputs": inputs})
    np.testing.assert_allclose(answers, model.predict_proba(inputs), atol=1e-5)


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(BirthmarkError, match=r"birthmark\[practice\]"):
        require_onnx()
