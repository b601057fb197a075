"""A small world to test in: digits, an owner, a thief and innocents, as ONNX files on a disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image as Pillow
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from birthmark import Fingerprint, ImageSet, Suspect, as_suspect
from birthmark.models.adapters.differentiable import Direction
from birthmark.models.adapters.sklearn_estimator import SklearnSuspect
from birthmark.probes import Companions

DECLARED: dict[str, Any] = {
    "size": (8, 8),
    "channels": 1,
    "range": (0, 1),
    "mean": (0.5,),
    "std": (0.25,),
    "output": "logits",
}
TOML = """size = [8, 8]
channels = 1
range = [0, 1]
mean = [0.5]
std = [0.25]
output = "logits"
"""
DECLARING = ["--input", "8x8x1", "--range", "0:1", "--mean", "0.5", "--std", "0.25"]
DECLARING += ["--output", "logits"]
LINEAGES: dict[str, Callable[[], Any]] = {
    "linear": lambda: LogisticRegression(C=0.1, max_iter=100),
    "ridge": lambda: RidgeClassifier(alpha=30),
    "lda": lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3),
    "smooth": lambda: LogisticRegression(C=0.002, max_iter=100),
}
"""Ways to learn a classifier that is one layer of weights: `coef_` and `intercept_`."""
LOGITS = 2.2
"""The standard deviation of answers, so that no lineage's are flatter than the others'."""
DATA = Path(os.environ.get("BIRTHMARK_DATA", Path(__file__).parents[2] / "shared" / "data"))


@cache
def pictures() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """uint8 (1797, 8, 8) and true classes."""
    digits = load_digits()
    return (digits.images * 255 / 16).astype(np.uint8), digits.target.astype(np.int64)


Part = slice | NDArray[np.int64]


def trained(part: Part, labels: NDArray[np.int64] | None = None, lineage: str = "linear") -> Any:
    """A classifier of digits in the input that DECLARED describes, flattened."""
    images, truth = pictures()
    targets = truth[part] if labels is None else labels
    inputs = flat(images[part])
    model = LINEAGES[lineage]().fit(inputs, targets)
    if lineage != "linear":
        sharpness = LOGITS / model.decision_function(inputs).std()
        model.coef_, model.intercept_ = model.coef_ * sharpness, model.intercept_ * sharpness
    return model


def flat(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return ((images.reshape(len(images), -1) / 255 - 0.5) / 0.25).astype(np.float32)


@cache
def victim() -> Any:
    return trained(slice(0, 200))


def copied(part: slice) -> Any:
    images, _ = pictures()
    return trained(part, victim().predict(flat(images[part])))


@cache
def thief() -> Any:
    return copied(slice(200, 800))


@cache
def innocent(i: int, lineage: str = "linear", size: int = 200) -> Any:
    drawn = np.random.default_rng(i).choice(np.arange(200, 1000), size, replace=False)
    return trained(drawn, lineage=lineage)


def lineage_of(i: int) -> str:
    """The lineages take turns."""
    return list(LINEAGES)[i % len(LINEAGES)]


def references(count: int = 20) -> list[Suspect]:
    return [
        as_digits(innocent(i, lineage_of(i)), name=f"innocent-{i}", lineage=lineage_of(i))
        for i in range(count)
    ]


@cache
def companions() -> Companions:
    copies = [derivable(copied(part)) for part in (slice(200, 800), slice(300, 900))]
    return Companions(copies, [derivable(innocent(i)) for i in (30, 32, 34)])


def image_set(count: int = 400) -> ImageSet:
    images, labels = pictures()
    part = slice(1000, 1000 + count)
    return ImageSet.from_arrays(images[part], labels[part], source="digits")


def fingerprint_of_digits(
    models: int = 20, n: int = 40, start: str | None = "random", **options: Any
) -> Fingerprint:
    own = as_digits(victim(), name="victim", lineage="linear")
    return Fingerprint.enroll(own, image_set(), references(models), n=n, start=start, **options)


def as_digits(model: Any, **options: Any) -> Suspect:

    return as_suspect(model, DECLARED, **options)


class Derivable(SklearnSuspect):
    """A linear classifier that can be derived by its pixels, since its weights are known."""

    def gradient(
        self, pixels: NDArray[np.float32], direction: Direction
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        model = self._estimator
        inputs = self._declaration.brought(pixels)
        logits = (inputs @ model.coef_.T + model.intercept_).astype(np.float32)
        slope = (direction(logits) @ model.coef_).astype(np.float32)
        return logits, self._declaration.by_pixels(slope)


def derivable(model: Any) -> Derivable:
    return Derivable(model, DECLARED, name="digits", lineage="linear")


def answering(function: Callable[[NDArray[np.float32]], object], **fields: Any) -> Suspect:
    """A suspect that answers with a function of its input."""

    return as_suspect(function, DECLARED | fields, name="suspect")


def write_onnx(
    path: Path,
    weights: NDArray[Any],
    bias: NDArray[Any],
    shape: tuple[Any, ...] = ("n", 1, 8, 8),
    dtype: int = TensorProto.FLOAT,
) -> Path:
    """A linear network, weights (pixels, classes), in an ONNX file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["image"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weights", "bias"], ["logits"]),
        ],
        "linear",
        [helper.make_tensor_value_info("image", dtype, list(shape))],
        [helper.make_tensor_value_info("logits", dtype, [shape[0], len(bias)])],
        [
            numpy_helper.from_array(weights.astype(np.float32), "weights"),
            numpy_helper.from_array(bias.astype(np.float32), "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def export(model: Any, path: Path) -> Path:
    return write_onnx(path, model.coef_.T, model.intercept_)


@dataclass(frozen=True)
class World:
    """Files on a disk, as a user has them."""

    folder: Path

    @classmethod
    def build(cls, folder: Path) -> World:
        export(victim(), folder / "victim.onnx")
        export(thief(), folder / "suspect.onnx")
        export(innocent(25), folder / "other.onnx")
        for i in range(20):
            lineage = lineage_of(i)
            export(innocent(i, lineage), folder / "references" / lineage / f"{i:02d}.onnx")
        (folder / "birthmark.toml").write_text(TOML)
        images, labels = pictures()
        for i in range(1000, 1400):
            file = folder / "images" / str(labels[i]) / f"{i}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Pillow.fromarray(images[i]).save(file)
        return cls(folder)
