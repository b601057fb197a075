"""Gradients by the pixels, against finite differences; who gives none is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import world
from birthmark import BirthmarkError, ImageSet, Suspect, as_suspect
from birthmark.models.adapters.differentiable import Differentiable, differentiable

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]

needs_torch = pytest.mark.skipif(torch is None, reason="the extra 'torch' is not installed")
COLOUR: dict[str, Any] = {
    "size": (6, 5),
    "channels": 3,
    "range": (0, 1),
    "mean": (0.4, 0.5, 0.6),
    "std": (0.2, 0.25, 0.5),
    "output": "logits",
}


def network(*, flat: bool = False, probabilities: bool = False) -> Any:
    torch.manual_seed(0)
    first = torch.nn.Linear(90, 24) if flat else torch.nn.Conv2d(3, 8, 3)
    layers = [first, torch.nn.Tanh(), torch.nn.Dropout(0.9), torch.nn.Flatten()]
    layers.append(torch.nn.Linear(24 if flat else 96, 4))
    return torch.nn.Sequential(*layers, *[torch.nn.Softmax(1)] * probabilities)


class ChannelsLast(torch.nn.Module if torch else object):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.net = network()

    def forward(self, x: Any) -> Any:
        return self.net(x.permute(0, 3, 1, 2)), x


MODELS: dict[str, Callable[[], Suspect]] = {
    "planar": lambda: as_suspect(network(), COLOUR),
    "bgr": lambda: as_suspect(network(), COLOUR | {"order": "bgr"}),
    "channels last, a tuple": lambda: as_suspect(
        ChannelsLast(), COLOUR | {"layout": "nhwc", "order": "bgr"}
    ),
    "flat": lambda: as_suspect(network(flat=True), COLOUR | {"layout": "flat"}),
    "probabilities": lambda: as_suspect(
        network(probabilities=True), COLOUR | {"output": "probabilities"}
    ),
}


def pixels(model: Suspect, count: int = 3) -> NDArray[np.float32]:
    declared = model.description.declaration
    assert declared is not None
    (width, height), channels = declared.size, declared.channels
    rng = np.random.default_rng(0)
    return rng.integers(1, 255, (count, height, width, channels)).astype(np.float32)


def require_agreement(model: Suspect, step: float = 1.0) -> None:
    """The gradient of a fixed weighting of logits, against central differences of `step`."""
    known = differentiable(model)
    some = pixels(model)
    width = known.gradient(some, np.zeros_like)[0].shape[1]
    weights = np.random.default_rng(1).standard_normal((len(some), width)).astype(np.float32)
    logits, slope = known.gradient(some, lambda _: weights)
    assert logits.dtype == slope.dtype == np.float32
    assert slope.shape == some.shape
    seen = ImageSet.from_arrays(some.astype(np.uint8))
    answered = model.answer(list(seen)).values
    if model.description.output == "probabilities":
        answered = np.log(answered)
    assert np.allclose(answered, logits, atol=1e-4)
    for place in np.random.default_rng(2).integers(0, some[0].size, 12):
        sums = []
        for change in (-step, step):
            moved = some.copy()
            moved.reshape(len(some), -1)[:, place] += change
            sums.append((known.gradient(moved, np.zeros_like)[0] * weights).sum(1))
        slopes = (sums[1] - sums[0]) / (2 * step)
        found = slope.reshape(len(some), -1)[:, place]
        assert np.abs(found - slopes).max() < 0.02 * np.abs(slope).max()


@needs_torch
@pytest.mark.parametrize("name", MODELS)
def test_gradients_of_torch_modules_are_slopes(name: str) -> None:
    model = MODELS[name]()
    require_agreement(model)
    module: Any = model._module  # type: ignore[attr-defined]
    module.train()
    assert differentiable(model).gradient(pixels(model), np.ones_like)[1].any()
    assert module.training
    assert all(weight.grad is None for weight in module.parameters())


def test_gradients_of_the_test_double_are_slopes() -> None:
    require_agreement(world.derivable(world.victim()))


@needs_torch
def test_modules_that_fail_are_named() -> None:
    class Closed(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            with torch.no_grad():
                return x.flatten(1)[:, :4]

    closed = differentiable(as_suspect(Closed(), COLOUR))
    with pytest.raises(BirthmarkError, match="Closed: has no gradient with respect to the pixels"):
        closed.gradient(pixels(closed), np.ones_like)
    small = differentiable(as_suspect(network(), COLOUR | {"size": (2, 2)}))
    with pytest.raises(BirthmarkError, match="Sequential: failed on an image"):
        small.gradient(pixels(small), np.ones_like)


def recorded(folder: Path) -> Suspect:
    np.savez(folder / "r.npz", values=np.eye(10))
    return as_suspect(folder / "r.npz", {"output": "probabilities"})


REFUSED: dict[str, tuple[Callable[[Path], Suspect], str]] = {
    "onnx": (
        lambda folder: as_suspect(world.export(world.victim(), folder / "v.onnx"), world.DECLARED),
        "v.onnx: gives no gradients .* pass it in Python as a torch module",
    ),
    "recorded": (recorded, "r.npz: gives no gradient"),
    "function": (lambda _: world.answering(lambda x: x), "suspect: gives no gradient"),
    "labels": (
        lambda _: world.answering(lambda x: x, output="labels"),
        "answers with labels, but crafted probes need logits or probabilities",
    ),
    "embeddings": (
        lambda _: world.answering(lambda x: x, output="embeddings"),
        "answers with embeddings",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_who_gives_no_gradient_is_told(name: str, tmp_path: Path) -> None:
    make, said = REFUSED[name]
    with pytest.raises(BirthmarkError, match=said):
        differentiable(make(tmp_path))


def test_images_are_brought_as_pixels_are() -> None:
    declared = world.derivable(world.victim()).description.declaration
    assert declared is not None
    images = [world.image_set()[i] for i in range(3)]
    stacked = np.stack([image.pixels for image in images])
    whole = declared.batch(images)
    assert (declared.brought(stacked.astype(np.float32)) == whole).all()
    assert declared.batch([]).shape == (0, 64)
    assert isinstance(world.derivable(world.victim()), Differentiable)
