"""Everything that a recipe is given to make one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from birthmark.data.outputs import Kind
from birthmark.training.augment import AUGMENTS
from birthmark.training.inputs import answers
from birthmark.training.loop import fit, fit_head
from birthmark.training.nets.head import replace_head
from birthmark.training.objectives import Loss, Margin, MarginKind, of_labels, of_people
from birthmark.zoo.disguises.recompressed import recompressed
from birthmark.zoo.images.arrays import Arrays, load
from birthmark.zoo.models.member import Member
from birthmark.zoo.models.model import ZooModel
from birthmark.zoo.models.network import planned
from birthmark.zoo.models.store import built
from birthmark.zoo.plan import Plan

Objective = tuple[Loss, Sequence[nn.Parameter]]


@dataclass(frozen=True)
class Job:
    """One model to make.

    Attributes
    ----------
    plan, member
        What it is.
    folder
        The zoo's.
    """

    plan: Plan
    member: Member
    folder: Path

    @property
    def own(self) -> Arrays:
        """Images of the victim's task."""
        return load(self.folder / "data" / "own")

    @property
    def new(self) -> Arrays:
        """Images of the label set that thieves transfer to."""
        return load(self.folder / "data" / "new")

    @property
    def foreign(self) -> Arrays:
        """Images of another kind."""
        return load(self.folder / "data" / "foreign")

    @property
    def verification(self) -> bool:
        """Whether the victim's task is to tell whether two images show the same person."""
        return self.plan.task == "verification"

    def images(self) -> tuple[Tensor, Tensor]:
        """The member's images, uint8, and their true labels, int64, numbered from 0.

        For verification, people with a single image are left out: they teach nothing about what
        stays the same, and in a trial cost five points of AUC.
        """
        positions = self.own.part(self.member.data, self.member.seed)
        labels = self.own.labels[positions]
        if self.verification:
            _, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
            several = counts[numbers] > 1
            positions, labels = positions[several], labels[several]
            _, labels = np.unique(labels, return_inverse=True)
        return torch.from_numpy(self.own.pixels[positions]), torch.from_numpy(labels)

    def queries(self) -> Tensor:
        """The member's images, uint8, whether their labels can be used or not."""
        return torch.from_numpy(self.own.pixels[self.own.part(self.member.data, self.member.seed)])

    def foreign_queries(self) -> Tensor:
        """Images of another kind, uint8."""
        return torch.from_numpy(self.foreign.pixels[self.foreign.parts["train"]])

    def foreign_labels(self) -> Tensor:
        """Their classes, int64."""
        return torch.from_numpy(self.foreign.labels[self.foreign.parts["train"]])

    def parent(self) -> ZooModel:
        """The model that this one starts from, or whose answers it learns."""
        return built(self.plan, self.folder, self.member.parent or "")

    def asked(self, pixels: Tensor, whom: str | None = None) -> Tensor:
        """What the parent (or `whom`) answers: log-probabilities, or embeddings; (n, width)."""
        model = self.parent() if whom is None else built(self.plan, self.folder, whom)
        outputs = model.answer(pixels.numpy())
        if outputs.kind is Kind.EMBEDDINGS:
            return torch.from_numpy(outputs.values)
        return torch.from_numpy(np.log(np.maximum(outputs.to(Kind.PROBABILITIES).values, 1e-12)))

    def asked_labels(self, pixels: Tensor, truth: Tensor, whom: str | None = None) -> Tensor:
        """The parent's (or `whom`'s) labels, int64 (n,).

        For verification: the person whose images' mean embedding is nearest to the image's, as a
        service that identifies among the thief's own people would answer.
        """
        said = self.asked(pixels, whom)
        return (said @ _means(said, truth).T).argmax(1) if self.verification else said.argmax(1)

    def fresh(self, outputs: int | None = None) -> nn.Module:
        """A network of the member's family: its checkpoint's weights, or weights drawn anew.

        It ends in so many outputs, those of the victim's task if not given.
        """
        torch.manual_seed(self.member.seed)
        if outputs is None:
            outputs = self.plan.embedding if self.verification else self.own.classes
        if self.member.start is None:
            return planned(self.plan.families[self.member.family].net, self.plan, outputs)
        net = built(self.plan, self.folder, self.member.start).net
        replace_head(net, outputs)
        return net

    def student(self, pixels: Tensor, objective: Objective, epochs: float | None) -> nn.Module:
        """A fresh network, trained; epochs are the plan's where not given."""
        net = self.fresh()
        self.fit(net, pixels, objective, epochs=epochs)
        return net

    def further(self, labels: str) -> tuple[nn.Module, Tensor, Objective]:
        """The parent, the member's images, and the objective: a model's labels, or `true` ones."""
        net = self.parent().net
        pixels, wanted = self.images()
        if labels != "true":
            wanted = self.asked_labels(pixels, wanted, labels)
        return net, pixels, self.objective(wanted, start=(net, pixels))

    def objective(
        self,
        labels: Tensor,
        margin: MarginKind = "cosface",
        start: tuple[nn.Module, Tensor] | None = None,
        smoothing: float = 0.0,
    ) -> Objective:
        """What is to be made small to answer with these labels, and its own parameters.

        For verification, `start` is a trained network and the labelled images: people's centres
        begin at the means of its embeddings, so that training on does not undo what it knows.
        """
        if not self.verification:
            return of_labels(labels, smoothing), []
        torch.manual_seed(self.member.seed)
        layer = Margin(self.plan.embedding, int(labels.max()) + 1, margin)
        if start is not None:
            layer.centres.data = _means(answers(*start), labels)
        return of_people(labels, layer), list(layer.parameters())

    def fit(
        self,
        net: nn.Module,
        pixels: Tensor,
        objective: Objective,
        *,
        epochs: float | None = None,
        rate: float | None = None,
        augment: str | None = None,
        optimiser: str = "sgd",
        after: Callable[[], None] = lambda: None,
        replays: int = 1,
    ) -> None:
        """Train all layers; epochs, rate and augmentation are the plan's where not given."""
        schedule, family = self.plan.schedule, self.plan.families[self.member.family]
        usual = family.epochs or schedule.epochs
        loss, extra = objective
        fit(
            net,
            pixels,
            loss,
            epochs=(usual if epochs is None else epochs) * self.plan.size.epochs,
            rate=schedule.rate if rate is None else rate,
            batch=schedule.batch,
            decay=schedule.decay,
            seed=self.member.seed,
            augment=AUGMENTS[augment or self.plan.augment],
            extra=extra,
            optimiser=optimiser,
            after=after,
            replays=replays,
        )

    def fit_last(
        self, net: nn.Module, pixels: Tensor, objective: Objective, *, epochs: float, rate: float
    ) -> None:
        """Train the last layer."""
        loss, extra = objective
        fit_head(
            net,
            pixels,
            loss,
            epochs=epochs * self.plan.size.epochs,
            rate=rate,
            batch=self.plan.schedule.batch,
            seed=self.member.seed,
            extra=extra,
        )


def with_jpegs(
    pixels: Tensor, labels: Tensor, worst: int, best: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Images and their labels, and after them each as a JPEG of a random quality."""
    rng = np.random.default_rng(seed)
    coded = [recompressed(one, int(rng.integers(worst, best + 1))) for one in pixels.numpy()]
    return torch.cat([pixels, torch.from_numpy(np.stack(coded))]), torch.cat([labels, labels])


def _means(embeddings: Tensor, people: Tensor) -> Tensor:
    """Each person's mean embedding, of length 1."""
    unit = nn.functional.normalize(embeddings)
    sums = torch.zeros(int(people.max()) + 1, unit.shape[1]).index_add_(0, people, unit)
    return nn.functional.normalize(sums)
