"""Crafted probes against the same attacks by other hands: ART, on one small convolutional net."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import world
from birthmark import as_suspect
from birthmark.models.adapters.differentiable import Differentiable, differentiable
from birthmark.probes.adversarial_pairs import AdversarialPairs
from birthmark.probes.crafted import Batch, logits
from birthmark.probes.deepfool import DeepFool

torch = pytest.importorskip("torch", reason="compares networks of torch")

COUNT = 60


@pytest.fixture(scope="module")
def arts(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """ART's attacks and classifiers; importing ART writes into the home folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        pytest.importorskip("art", reason="compares with adversarial-robustness-toolbox (ART)")
        from art.attacks import evasion
        from art.estimators import classification

    class Arts:
        classifier = classification.PyTorchClassifier
        attacks = evasion

    return Arts


@pytest.fixture(scope="module")
def net() -> Any:
    """Untrained, with weights so large that labels differ from image to image."""
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(1, 8, 3), torch.nn.Tanh(), torch.nn.Flatten()]
    made = torch.nn.Sequential(*layers, torch.nn.Linear(288, 10))
    made[-1].weight.data *= 5
    return made.eval()


@pytest.fixture(scope="module")
def model(net: Any) -> Differentiable:
    return differentiable(as_suspect(net, world.DECLARED))


@pytest.fixture(scope="module")
def batch() -> Batch:
    pixels = world.pictures()[0][:COUNT, ..., None].astype(np.float32)
    return Batch(pixels, [""] * COUNT, [None] * COUNT)


def classifier(arts: Any, net: Any, white: int) -> Any:
    """Takes pixels from 0 to `white` and brings them to what the net takes."""
    return arts.classifier(
        net,
        torch.nn.CrossEntropyLoss(),
        (1, 8, 8),
        10,
        clip_values=(0, white),
        preprocessing=(white / 2, white / 4),
        device_type="cpu",
    )


def attacked(attack: Any, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    planar = attack.generate(pixels.transpose(0, 3, 1, 2))
    made: NDArray[np.float32] = planar.transpose(0, 2, 3, 1)
    return made


def test_adversarial_examples_are_arts(
    arts: Any, net: Any, model: Differentiable, batch: Batch
) -> None:
    attack = arts.attacks.ProjectedGradientDescentNumpy(
        classifier(arts, net, 255), norm=np.inf, eps=8, eps_step=2, max_iter=10, verbose=False
    )
    ours = AdversarialPairs(eps=8).craft(model, batch, batch).pixels[:, 1]
    theirs = attacked(attack, batch.pixels)
    label = logits(model, batch.pixels.astype(np.uint8)).argmax(axis=1)
    assert len(set(label)) > 4
    assert (ours == theirs).mean() > 0.99  # the rest are slopes of about 0
    assert (ours != batch.pixels).mean() > 0.4  # dark pixels cannot get darker


def test_deepfool_goes_as_far_as_arts(
    arts: Any, net: Any, model: Differentiable, batch: Batch
) -> None:
    unit = classifier(arts, net, 1)  # ART's steps are right in images from 0 to 1
    attack = arts.attacks.DeepFool(
        unit, max_iter=50, epsilon=0.02, nb_grads=10, batch_size=64, verbose=False
    )
    made = DeepFool().craft(model, batch, batch)
    theirs = 255 * attacked(attack, batch.pixels / np.float32(255))
    assert made.good.mean() > 0.9
    ours_far, arts_far = (
        np.sqrt(np.square(some - batch.pixels).sum(axis=(1, 2, 3)))[made.good]
        for some in (made.pixels[:, 0].astype(np.float32), theirs)
    )
    assert np.median(ours_far / arts_far) == pytest.approx(1, abs=0.1)
    assert np.corrcoef(ours_far, arts_far)[0, 1] > 0.9
