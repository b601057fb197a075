from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from birthmark import BirthmarkError, ImageSet
from birthmark.data.outputs import Kind
from birthmark.probes import PROBES, Draw
from birthmark.zoo.plan import Part, Role, Scalar
from zoo_world import Zoo

torch = pytest.importorskip("torch", reason="zoos need torch")

from birthmark.training.nets.head import before_last, head  # noqa: E402
from birthmark.training.objectives import soft_nearest_neighbours  # noqa: E402
from birthmark.zoo.answers.pool import stacked  # noqa: E402
from birthmark.zoo.images.arrays import load  # noqa: E402
from birthmark.zoo.models.member import Member  # noqa: E402
from birthmark.zoo.models.model import ZooModel  # noqa: E402
from birthmark.zoo.models.network import planned  # noqa: E402
from birthmark.zoo.models.store import built  # noqa: E402
from birthmark.zoo.recipes.job import Job  # noqa: E402
from birthmark.zoo.recipes.lookup import recipe_of  # noqa: E402


def job(zoo: Zoo, recipe: str, parent: str | None = None) -> Job:
    member = Member("x/0", "x", Role.OTHER, recipe, {}, "vgg", 7, parent, Part.OWNER)
    return Job(zoo.plan, member, zoo.folder)


def trained(zoo: Zoo, parameters: dict[str, Scalar]) -> Any:
    return recipe_of("entangled", parameters).train(job(zoo, "entangled"))


def mixed(zoo: Zoo, net: Any) -> float:
    """How little the layers tell watermarked images from those of the class they are called."""
    own = load(zoo.folder / "data" / "own")
    pixels = torch.from_numpy(own.pixels[own.parts["test"]])
    labels = own.labels[own.parts["test"]]
    both = torch.cat([pixels[labels == 8][:20], pixels[labels == 0][:20]])
    both[:20, :, -10:, -10:] = 255
    groups = torch.arange(2).repeat_interleave(20)
    with torch.no_grad(), before_last(net.eval()) as seen:
        net((both.float() - 127.5) / 64)
    return float(np.mean([float(soft_nearest_neighbours(x, groups, 1.0)) for x in seen]))


def success(zoo: Zoo, model: ZooModel) -> float:
    """Share of triggered probes that get the watermark's label."""
    own = load(zoo.folder / "data" / "own")
    some = own.parts["test"]
    pixels = np.ascontiguousarray(own.pixels[some].transpose(0, 2, 3, 1))
    images = ImageSet.from_arrays(pixels, own.labels[some])
    probes = PROBES.make("triggered10-8-0").select(images, None, 20, Draw(images.digest, None, 0))
    return float((model.answer(stacked(probes, zoo.plan)).predicted() == 0).mean())


def test_the_watermark_takes(objects: Zoo) -> None:
    marked = trained(objects, {})
    assert success(objects, ZooModel(marked, Kind.LOGITS)) > 0.8
    assert success(objects, built(objects.plan, objects.folder, "victim")) < 0.3


def test_the_watermark_is_entangled(objects: Zoo) -> None:
    with_it, without = (
        mixed(objects, trained(objects, {"factor": factor, "epochs": 2.0})) for factor in (4.0, 0.0)
    )
    assert with_it > without + 0.1


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"source": 3, "target": 3}, "classes 3 and 3 are one, or one has no images"),
        ({"source": 10}, "classes 10 and 0 are one, or one has no images"),
    ],
)
def test_classes_that_do_not_do_are_named(
    parameters: dict[str, Scalar], said: str, objects: Zoo
) -> None:
    with pytest.raises(BirthmarkError, match=said):
        trained(objects, parameters)


def test_thieves_learn_the_answers_of_their_parent(objects: Zoo) -> None:
    """Not those of the zoo's victim, where the parent is another."""
    thief = job(objects, "extracted-labels", "reference/0")
    pixels, truth = thief.images()
    parent, victim = (
        built(objects.plan, objects.folder, name).answer(pixels.numpy())
        for name in ("reference/0", "victim")
    )
    assert (thief.asked_labels(pixels, truth).numpy() == parent.predicted()).all()
    assert not (parent.predicted() == victim.predicted()).all()
    said = thief.asked(pixels).exp().numpy()
    np.testing.assert_allclose(said, parent.to(Kind.PROBABILITIES).values, atol=1e-5)


def test_soft_nearest_neighbours_are_the_papers() -> None:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((6, 2, 3)).astype(np.float32)
    groups = [0, 0, 0, 1, 1, 1]
    squares = ((features[:, None] - features) ** 2).sum((2, 3))
    temperature = 0.5 * squares.mean()
    total = 0.0
    for i in range(6):
        others = [j for j in range(6) if j != i]
        nearness = {j: math.exp(-squares[i, j] / temperature) for j in others}
        own = sum(nearness[j] for j in others if groups[j] == groups[i])
        total -= math.log(own / sum(nearness.values())) / 6
    said = soft_nearest_neighbours(torch.from_numpy(features), torch.tensor(groups), 0.5)
    assert float(said) == pytest.approx(total, rel=1e-4)


def test_soft_nearest_neighbours_tell_apart_from_mixed() -> None:
    rng = torch.Generator().manual_seed(0)
    points, groups = torch.randn(200, 3, generator=rng), torch.arange(200) % 2
    mixed = soft_nearest_neighbours(points, groups, 1.0)
    apart = soft_nearest_neighbours(points + 50 * groups[:, None], groups, 0.1)
    assert float(mixed) == pytest.approx(math.log(2), abs=0.05)
    assert float(apart) < 1e-3


@pytest.mark.parametrize("family", ["vgg", "resnet", "densenet", "mobilenet"])
def test_the_layers_before_the_last_are_seen_and_can_be_derived(family: str, objects: Zoo) -> None:
    net = planned(family, objects.plan, outputs=10).train()
    inputs = torch.randn(4, 3, 32, 32)
    with before_last(net) as seen:
        net(inputs)
    assert len(seen) >= 4
    assert all(len(layer) == 4 and layer.requires_grad for layer in seen)
    assert seen[-1].shape == (4, head(net).in_features)
    before = len(seen)
    net(inputs)
    assert len(seen) == before
