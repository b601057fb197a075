"""Models of a zoo are loaded as they were saved."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from birthmark.zoo.models.record import read, write
from birthmark.zoo.plan import Part, Role
from zoo_world import Zoo

pytest.importorskip("torch", reason="zoos need torch")

from birthmark.zoo.images.arrays import load
from birthmark.zoo.models.member import Member
from birthmark.zoo.models.model import ZooModel
from birthmark.zoo.models.store import built, save
from birthmark.zoo.recipes.job import Job
from birthmark.zoo.recipes.lookup import recipe_of


@pytest.mark.parametrize("bits", ["int8", "fp16"])
def test_quantised_models_are_loaded(bits: str, objects: Zoo, tmp_path: Path) -> None:
    folder = tmp_path / "zoo"
    shutil.copytree(objects.folder, folder)
    victim = read(folder, "victim")
    assert victim is not None
    parameters = {"bits": bits}
    member = Member(
        "x/0", "x", Role.STOLEN, "quantised", parameters, "vgg", 7, "victim", Part.THIEF
    )
    net = recipe_of("quantised", parameters).train(Job(objects.plan, member, folder))
    digest = save(folder, "x/0", net)
    write(folder, victim.model_copy(update={"name": "x/0", "weights": digest}))
    pixels = load(folder / "data" / "own").pixels[:20]
    loaded = built(objects.plan, folder, "x/0")
    assert np.allclose(
        loaded.answer(pixels).values, ZooModel(net, victim.kind).answer(pixels).values
    )
    own = built(objects.plan, folder, "victim").answer(pixels).values
    assert not np.allclose(loaded.answer(pixels).values, own, atol=1e-5)
