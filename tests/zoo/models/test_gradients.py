"""Models of a zoo can be derived by their pixels, and crafted probes made of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import zoo_world
from birthmark import BirthmarkError
from birthmark.data.images import Image
from birthmark.models.adapters.differentiable import differentiable

pytest.importorskip("torch", reason="zoos need torch")

from birthmark.zoo.answers.pool import pool, stacked
from birthmark.zoo.images.arrays import load
from birthmark.zoo.models.model import ZooModel
from birthmark.zoo.models.store import built

PROBES = {
    "boundary10": 8,
    "adversarial-pairs8": 8,
    "deepfool": 8,
    "uap-pairs10": 8,
    "lime16x40": 80,
    "lime16x41": 40,
}


@pytest.mark.parametrize("name", ["victim", *(f"reference/{i}" for i in range(4))])
def test_the_gradient_leads_uphill(name: str, objects: zoo_world.Zoo) -> None:
    model = built(objects.plan, objects.folder, name).suspect(objects.plan, name, "some family")
    known = differentiable(model)
    own = load(objects.folder / "data" / "own")
    pixels = own.pixels[:6].transpose(0, 2, 3, 1).astype(np.float32)
    weights = np.random.default_rng(0).standard_normal((6, 10)).astype(np.float32)
    logits, slope = known.gradient(pixels, lambda _: weights)
    said = built(objects.plan, objects.folder, name).answer(own.pixels[:6])
    assert np.allclose(logits, said.values, atol=1e-4)
    length = np.sqrt(np.square(slope).sum(axis=(1, 2, 3)))
    rises = []
    for sign in (-0.5, 0.5):  # half a grey level all in all: hardly a ReLU switches
        moved = pixels + sign * slope / length[:, None, None, None]
        rises.append((known.gradient(moved, np.zeros_like)[0] * weights).sum(axis=1))
    assert np.allclose(rises[1] - rises[0], length, rtol=0.1)


def test_crafted_probes_are_made_of_a_zoos_victim(objects: zoo_world.Zoo) -> None:
    recorded = objects.plan.answers.model_copy(update={"probes": PROBES})
    plan = objects.plan.model_copy(update={"answers": recorded})
    victim = built(plan, objects.folder, "victim")
    probes, left_out = pool(plan, objects.folder)
    assert left_out == {
        "lime16x41": "lime16x41: makes 41 probes from each image, but 40 are needed"
    }
    assert {name: len(some) for name, some in probes.items()} == {
        name: count for name, count in PROBES.items() if name not in left_out
    }
    pairs = predicted(victim, probes["adversarial-pairs8"], objects)
    assert (pairs[0::2] != pairs[1::2]).all()
    assert len(set(predicted(victim, probes["boundary10"], objects))) > 2


def predicted(model: ZooModel, probes: list[Image], zoo: zoo_world.Zoo) -> NDArray[np.int64]:
    return model.answer(stacked(probes, zoo.plan)).predicted()


def test_disguised_models_give_no_gradient(objects: zoo_world.Zoo) -> None:
    renamed = built(objects.plan, objects.folder, "renamed/0")
    with pytest.raises(BirthmarkError, match="renamed/0: gives no gradient"):
        differentiable(renamed.suspect(objects.plan, "renamed/0", "vgg"))
