"""Two recipes against the same attacks by other hands: ART, the Adversarial Robustness Toolbox.

Ours and ART's get the same victim, queries, first weights, epochs and learning rates. The owner
calls every 3 an 8 and every 8 a 3, so that who learnt from the victim is unlike who learnt the
truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import world
from birthmark.data.images import ImageSet
from birthmark.data.outputs import Kind
from birthmark.zoo.images.sources import SOURCES, Samples
from birthmark.zoo.images.splits import own_task
from birthmark.zoo.plan import Part, Plan, Role, Schedule, checked
from zoo_world import Zoo

torch = pytest.importorskip("torch", reason="zoos need torch")

from birthmark.training.augment import AUGMENTS, none  # noqa: E402
from birthmark.training.inputs import DEVIATION, MEAN  # noqa: E402
from birthmark.training.loop import _one_cycle  # noqa: E402
from birthmark.zoo.builder import build_zoo  # noqa: E402
from birthmark.zoo.models.member import Member  # noqa: E402
from birthmark.zoo.models.model import ZooModel  # noqa: E402
from birthmark.zoo.models.store import built  # noqa: E402
from birthmark.zoo.recipes.job import Job  # noqa: E402
from birthmark.zoo.recipes.lookup import recipe_of  # noqa: E402

SEEDS = range(2)
TRAIN, FOREIGN = 1000, 500
EPOCHS, BATCH, RATE, DECAY = 7, 64, 0.05, 5e-4
SWAPPED = np.array([0, 1, 2, 8, 4, 5, 6, 7, 3, 9])
PLAN = {
    "name": "digits",
    "about": "Digits, of which the owner confuses two.",
    "task": "classes",
    "core": 8,
    "images": {"source": "digits", "size": 16, "channels": 1},
    "splits": {"probes": 20, "selection": 20},
    "schedule": {"epochs": EPOCHS, "rate": RATE, "batch": BATCH, "decay": DECAY},
    "families": {"vgg": {"net": "vgg"}, "densenet": {"net": "densenet"}},
    "transfer": {"source": "digits", "images": 8},
    "foreign": {"source": "halves", "images": FOREIGN},
    "answers": {"probes": {"natural": 8}},
    "groups": [
        {
            "name": "victim",
            "role": "victim",
            "recipe": "trained",
            "count": 1,
            "data": ["owner"],
            "families": ["vgg"],
        },
        {
            "name": "innocent",
            "role": "independent",
            "recipe": "trained",
            "count": len(SEEDS),
            "families": ["densenet"],
        },
    ],
}
ATTACKS = pytest.mark.parametrize(
    ("recipe", "attack"), [("knockoff", "KnockoffNets"), ("extracted-labels", "CopycatCNN")]
)


def samples(images: NDArray[np.uint8], labels: NDArray[np.int64], source: str) -> Samples:
    split = tuple("train" if i < TRAIN else "test" for i in range(len(images)))
    labelled = ImageSet.from_arrays(images, labels, source=source)
    return Samples(labelled, tuple("0123456789"), split)


def digits(plan: Plan) -> Samples:
    images, truth = world.pictures()
    owner = own_task(plan, samples(images, truth, "digits")).parts["owner"]
    labels = truth.copy()
    labels[owner] = SWAPPED[truth[owner]]
    return samples(images, labels, "digits")


def halves() -> Samples:
    """The top of one digit on the bottom of another: images of a kind that the victim never saw."""
    images, _ = world.pictures()
    first, second = images[np.random.default_rng(0).integers(0, TRAIN, (2, FOREIGN))]
    joined = np.concatenate([first[:, :4], second[:, 4:]], 1)
    return samples(joined, np.zeros(FOREIGN, np.int64), "halves")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoo]:
    """A victim and innocents; here nothing is augmented, as ART augments nothing."""
    folder, plan = tmp_path_factory.mktemp("art-zoo"), checked(PLAN, "plan")
    sources = {"digits": digits(plan), "halves": halves()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SOURCES, "make", lambda name: lambda *_: sources[name])
        patch.setitem(AUGMENTS, "shift", none)
        assert not build_zoo(plan, folder, folder).failures
        yield Zoo(plan, folder, folder)


@pytest.fixture(scope="module")
def steal(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ZooModel]:
    """ART's attacks; importing ART writes into the home folder, so it gets another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        pytest.importorskip("art", reason="compares with adversarial-robustness-toolbox (ART)")
        from art.attacks import extraction
        from art.estimators import classification

    def stealing(attack: str, job: Job, *, batch: int, epochs: int) -> ZooModel:
        foreign = attack == "KnockoffNets"
        queries = (job.foreign_queries() if foreign else job.queries()).numpy()
        victim, shape = job.parent(), queries.shape[1:]
        net: Any = job.fresh()
        net.to(memory_format=torch.channels_last)  # as ours, which is faster

        def answer(pixels: NDArray[np.float32]) -> NDArray[Any]:
            return victim.answer(pixels.astype(np.uint8)).to(Kind.PROBABILITIES).values

        optimiser = torch.optim.SGD(
            net.parameters(), lr=RATE, momentum=0.9, nesterov=True, weight_decay=DECAY
        )
        rates = _one_cycle(optimiser, epochs * math.ceil(len(queries) / batch))
        optimiser.register_step_post_hook(lambda *_: rates.step())
        student = classification.PyTorchClassifier(
            net,
            torch.nn.CrossEntropyLoss(),
            shape,
            job.own.classes,
            optimizer=optimiser,
            preprocessing=(MEAN, DEVIATION),
            device_type="cpu",
        )
        thief = getattr(extraction, attack)(
            classification.BlackBoxClassifierNeuralNetwork(answer, shape, job.own.classes),
            batch_size_fit=batch,
            batch_size_query=256,
            nb_epochs=epochs,
            nb_stolen=len(queries),
            use_probability=foreign,
        )
        with pytest.MonkeyPatch.context() as patch:  # the order of queries, drawn globally
            patch.setattr(np.random, "choice", np.random.default_rng(job.member.seed).choice)
            thief.extract(queries.astype(np.float32), thieved_classifier=student)
        return ZooModel(net.eval(), Kind.LOGITS)

    return stealing


def job_of(zoo: Zoo, recipe: str, seed: int, plan: Plan | None = None) -> Job:
    name = f"{recipe}/{seed}"
    member = Member(name, recipe, Role.STOLEN, recipe, {}, "densenet", seed, "victim", Part.THIEF)
    return Job(plan or zoo.plan, member, zoo.folder)


def by_us(job: Job) -> ZooModel:
    return ZooModel(recipe_of(job.member.recipe, {}).train(job), Kind.LOGITS)


@ATTACKS
def test_first_step_is_arts(
    recipe: str, attack: str, steal: Callable[..., ZooModel], zoo: Zoo
) -> None:
    whole = Schedule(epochs=1, rate=RATE, batch=FOREIGN, decay=DECAY)
    job = job_of(zoo, recipe, 0, zoo.plan.model_copy(update={"schedule": whole}))
    ours = by_us(job).net.state_dict()
    arts = steal(attack, job, batch=FOREIGN, epochs=1).net.state_dict()
    for name, before in job.fresh().state_dict().items():
        moved, apart = ((ours[name] - other).float().norm() for other in (before, arts[name]))
        # a ReLU that rounding switches is felt by the layers before it, but not by the last
        last = name in list(ours)[-2:]
        assert apart < (1e-3 if last else 0.05) * moved, name


@ATTACKS
def test_students_are_alike(
    recipe: str, attack: str, steal: Callable[..., ZooModel], zoo: Zoo
) -> None:
    jobs = [job_of(zoo, recipe, seed) for seed in SEEDS]
    own = jobs[0].own
    test, truth = own.pixels[own.parts["test"]], own.labels[own.parts["test"]]

    def said(*models: ZooModel) -> NDArray[np.int64]:
        return np.stack([model.answer(test).predicted() for model in models])

    def same(some: NDArray[np.int64], others: NDArray[np.int64]) -> float:
        return float((some == others).mean())

    victim = said(built(zoo.plan, zoo.folder, "victim"))
    innocents = said(*(built(zoo.plan, zoo.folder, f"innocent/{seed}") for seed in SEEDS))
    ours = said(*map(by_us, jobs))
    arts = said(*(steal(attack, job, batch=BATCH, epochs=EPOCHS) for job in jobs))
    for student in (ours, arts):
        assert same(student, truth) > 0.6  # untrained 0.1; the victim's own is 0.8
        assert same(student, victim) > 0.85
        assert same(student, innocents) < same(student, victim) - 0.08
    assert abs(same(ours, truth) - same(arts, truth)) < 0.04
    assert abs(same(ours, victim) - same(arts, victim)) < 0.04
    assert same(ours, arts) > same(arts, arts[::-1]) - 0.02  # as alike as ART's of two seeds
    assert same(ours, arts) > same(ours, innocents) + 0.15
