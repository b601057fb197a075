"""One table for all recipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from birthmark import BirthmarkError
from birthmark.data.outputs import Kind
from birthmark.zoo.plan import Part, Role, Scalar
from zoo_world import Zoo

torch = pytest.importorskip("torch", reason="zoos need torch")

from birthmark.zoo.images.arrays import load  # noqa: E402
from birthmark.zoo.models.member import Member  # noqa: E402
from birthmark.zoo.models.model import ZooModel as Model  # noqa: E402
from birthmark.zoo.models.quality import accuracy, fidelity  # noqa: E402
from birthmark.zoo.models.store import built, kind_of  # noqa: E402
from birthmark.zoo.recipes import RECIPES  # noqa: E402
from birthmark.zoo.recipes.job import Job  # noqa: E402
from birthmark.zoo.recipes.lookup import needs_parent, recipe_of, require_fit  # noqa: E402

Weights = Mapping[str, Any]


def zeros(weights: Weights) -> float:
    """Share of zeros among the weights of convolutions and linear layers."""
    large = [w for w in weights.values() if w.ndim > 1]
    return float(sum((w == 0).sum() for w in large) / sum(w.numel() for w in large))


def changed(before: Weights, after: Weights) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


def learns(before: Weights, after: Weights) -> bool:
    return len(changed(before, after)) > 10


def only_the_last(before: Weights, after: Weights) -> bool:
    names = list(before)
    return changed(before, after) == set(names[-2:])


def half_zero(before: Weights, after: Weights) -> bool:
    return zeros(before) < 0.01 and 0.49 < zeros(after) < 0.51


def channels_dropped(_: Weights, after: Weights) -> bool:
    scales = [w for name, w in after.items() if name.endswith("1.weight") and w.ndim == 1]
    return bool(scales) and all(int((w == 0).sum()) == int(0.3 * len(w)) for w in scales)


def channels_gone(_: Weights, after: Weights) -> bool:
    scales = [w for name, w in after.items() if name.endswith("1.weight") and w.ndim == 1]
    gone = [int((w == 0).sum()) for w in scales]
    whole = sum(map(len, scales))
    return (
        0.25 < sum(gone) / whole <= 0.31
        and len({g / len(w) for g, w in zip(gone, scales, strict=True)}) > 1
    )


def few_levels(_: Weights, after: Weights) -> bool:
    return all(len(row.unique()) <= 255 for w in after.values() if w.ndim > 1 for row in w)


def half_precision(_: Weights, after: Weights) -> bool:
    return all(torch.equal(w, w.half().float()) for w in after.values() if w.ndim > 1)


Check = Callable[[Weights, Weights], bool]

ON_CLASSES: list[tuple[str, dict[str, Scalar], float, Check | None]] = [
    ("trained", {}, 0.4, None),
    ("trained", {"optimiser": "adamw", "rate": 0.003, "augment": "none"}, 0.4, None),
    ("trained", {"share": 0.5, "jpeg": 1, "smoothing": 0.1}, 0.4, None),
    ("pretrained", {}, 0.3, None),
    ("entangled", {}, 0.4, None),
    ("backdoored", {"mark": "random-labels"}, 0.4, None),
    ("backdoored", {"mark": "unrelated"}, 0.4, None),
    ("backdoored", {"mark": "patch"}, 0.4, None),
    ("backdoored", {"mark": "style"}, 0.4, None),
    ("inherited", {"epochs": 4.0}, 0.4, None),
    ("weight-marked", {"mark": "passport"}, 0.4, None),
    ("finetuned", {"layers": "all"}, 0.6, learns),
    ("finetuned", {"layers": "last"}, 0.6, only_the_last),
    ("jpeg-finetuned", {}, 0.6, learns),
    ("magnitude-pruned", {"ratio": 0.5}, 0.6, half_zero),
    ("fine-pruned", {"ratio": 0.3}, 0.5, channels_dropped),
    ("taylor-pruned", {"ratio": 0.3}, 0.5, channels_gone),
    ("hidden", {}, 0.6, learns),
    ("hidden", {"probes": "known"}, 0.6, learns),
    ("extracted-labels", {}, 0.5, None),
    ("extracted-probabilities", {}, 0.5, None),
    ("extracted-congruent", {}, 0.5, None),
    ("cloud-leak", {"seeds": 200}, 0.4, None),
    ("data-free", {"queries": 8_000}, 0.11, None),
    ("extracted-noisy", {"noise": 0.2}, 0.4, None),
    ("extracted-adversarial", {}, 0.5, learns),
    ("extracted-free-adversarial", {}, 0.5, learns),
    ("knockoff", {}, 0.3, None),
    ("transferred", {"layers": "all"}, 0.6, learns),
    ("transferred", {"layers": "last"}, 0.6, None),
    ("quantised", {"bits": "int8"}, 0.6, few_levels),
    ("quantised", {"bits": "fp16"}, 0.6, half_precision),
]
ON_FACES: list[tuple[str, dict[str, Scalar], float, Check | None]] = [
    ("trained", {"margin": "arcface"}, 0.7, None),
    ("finetuned", {"layers": "last"}, 0.8, only_the_last),
    ("magnitude-pruned", {"ratio": 0.5}, 0.7, half_zero),
    ("extracted-labels", {}, 0.7, None),
    ("extracted-similarities", {}, 0.7, None),
    ("extracted-evaluated", {}, 0.7, None),
    ("extracted-embeddings", {}, 0.7, None),
    ("extracted-noisy", {"noise": 0.2}, 0.6, None),
    ("extracted-adversarial", {}, 0.7, learns),
    ("knockoff", {}, 0.5, None),
    ("transferred", {"layers": "last"}, 0.2, None),
    ("quantised", {"bits": "int8"}, 0.7, few_levels),
]


def made(zoo: Zoo, recipe: str, parameters: dict[str, Scalar]) -> tuple[Model, Model, str]:
    """A model by a recipe, the victim, and the task."""
    parent = "victim" if needs_parent(recipe) else None
    member = Member("x/0", "x", Role.STOLEN, recipe, parameters, "vgg", 7, parent, Part.THIEF)
    kind = recipe_of(recipe, parameters)
    net = kind.train(Job(zoo.plan, member, zoo.folder))
    victim = built(zoo.plan, zoo.folder, "victim")
    return Model(net, kind_of(zoo.plan, kind.task)), victim, kind.task


def test_a_start_gives_all_but_the_last_layer(objects: Zoo) -> None:
    parameters: dict[str, Scalar] = {"layers": "last"}
    role, part = Role.INDEPENDENT, Part.THIEF
    member = Member("x/0", "x", role, "trained", parameters, "vgg", 7, None, part, "victim")
    net = recipe_of("trained", parameters).train(Job(objects.plan, member, objects.folder))
    begun = built(objects.plan, objects.folder, "victim").net.state_dict()
    assert only_the_last(begun, net.state_dict())


@pytest.mark.parametrize(("recipe", "parameters", "least", "check"), ON_CLASSES)
def test_recipes_on_classes(
    recipe: str, parameters: dict[str, Scalar], least: float, check: Check | None, objects: Zoo
) -> None:
    model, victim, task = made(objects, recipe, parameters)
    before = {name: w.clone() for name, w in victim.net.state_dict().items()}
    arrays = load(objects.folder / "data" / task)
    if task == "foreign":
        arrays = replace(arrays, parts={"test": arrays.parts["train"]})
    assert accuracy(model, arrays) > least
    if task == "own" and needs_parent(recipe):
        assert fidelity(model, victim, arrays) > least
    assert check is None or check(before, model.net.state_dict())


@pytest.mark.parametrize(("recipe", "parameters", "least", "check"), ON_FACES)
def test_recipes_on_faces(
    recipe: str, parameters: dict[str, Scalar], least: float, check: Check | None, faces: Zoo
) -> None:
    model, victim, task = made(faces, recipe, parameters)
    before = {name: w.clone() for name, w in victim.net.state_dict().items()}
    assert accuracy(model, load(faces.folder / "data" / task)) > least
    assert check is None or check(before, model.net.state_dict())


class Deadly:
    """A job whose training kills every channel that is not dropped yet.

    The activity of a channel falls with its number, so the last ones are dropped first, and among
    those that tie the first ones come first.
    """

    def __init__(self) -> None:
        self.norm = torch.nn.BatchNorm2d(10)
        self.norm.bias.data = torch.arange(20.0, 10.0, -1)
        self.net = torch.nn.Sequential(torch.nn.Conv2d(1, 10, 1), self.norm)

    def parent(self) -> Model:
        return Model(self.net, Kind.LOGITS)

    def images(self) -> tuple[Any, Any]:
        return torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64)

    def objective(self, *_: object, **__: object) -> None:
        return None

    def fit(self, *_: object, after: Callable[[], None], **__: object) -> None:
        self.norm.bias.data[self.norm.weight != 0] = -100.0
        after()


def test_channels_stay_dropped_where_others_die() -> None:
    job = Deadly()
    recipe_of("fine-pruned", {"ratio": 0.4, "steps": 2}).train(cast(Job, job))
    assert (job.norm.weight == 0).nonzero().flatten().tolist() == [0, 1, 8, 9]


def test_every_recipe_is_in_a_table() -> None:
    tried = {row[0] for row in (*ON_CLASSES, *ON_FACES)}
    assert tried == {plugin.example for plugin in RECIPES.plugins()}


@pytest.mark.parametrize(
    ("recipe", "parameters", "message"),
    [
        ("finetuned", {"epoch": 3}, "recipe finetuned: unknown field epoch; .* epochs"),
        ("magnitude-pruned", {"ratio": 1.5}, "ratio should be less than 1"),
        ("quantised", {"bits": "int4"}, "bits should be 'int8' or 'fp16'"),
        ("finetune", {}, "did you mean finetuned"),
        ("top-k", {"k": 0}, "disguise top-k: k should be"),
    ],
)
def test_wrong_parameters_are_named(
    recipe: str, parameters: dict[str, Scalar], message: str
) -> None:
    with pytest.raises(BirthmarkError, match=message):
        require_fit(recipe, parameters, "classes")


def test_a_recipe_that_does_not_fit_the_task_is_refused() -> None:
    with pytest.raises(BirthmarkError, match="top-k: is not for verification"):
        require_fit("top-k", {}, "verification")
    with pytest.raises(BirthmarkError, match="extracted-embeddings: is not for classes"):
        require_fit("extracted-embeddings", {}, "classes")
