"""From scratch on true labels, with an entangled watermark (EWE): a victim of its own."""

from __future__ import annotations

from itertools import count
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from birthmark.common.errors import BirthmarkError
from birthmark.probes.triggered import WHITE, trigger
from birthmark.training.augment import AUGMENTS
from birthmark.training.inputs import scaled
from birthmark.training.nets.head import before_last
from birthmark.training.objectives import Loss, of_labels, soft_nearest_neighbours
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class Entangled(Recipe):
    """A network of its own, trained on true labels and on a watermark that it cannot tell apart.

    Source: EWE (Jia et al., USENIX Security 2021, arXiv 2002.12200), algorithm 1. Images of class
    `source` with a trigger are to be called `target`, and in all layers before the last they are to
    lie among images of class `target`: the loss is the cross-entropy less `factor` times the soft
    nearest neighbour loss that tells both apart, averaged over the layers.

    Unlike in the paper, watermarked batches do not take turns with plain ones but are joined to
    some of them: with batch norm, the statistics of a batch of two classes spoil the network. In a
    trial on CIFAR-10 it lost 7 points of accuracy and called a quarter of all images `target`, as
    its thieves then did, with a trigger or without. Simpler than the paper: the trigger, that of
    the probes `triggeredS-A-B`, has one place and look, where the paper chooses the place and
    sharpens the images by gradients, and is larger instead, since of 3 pixels in a corner nothing
    came through an extraction; the temperature is constant in units of the batch's mean squared
    distance, where the paper learns one.

    Attributes
    ----------
    trigger
        Side of the white square in the lower right corner, in pixels.
    source, target
        True class of the watermarked images, and what they are called.
    factor
        Weight of the entanglement.
    temperature
        Of the soft nearest neighbour loss, relative to the mean squared distance.
    share
        Of the batches that a watermarked one is joined to.
    epochs
        Passes over the images; the plan's if not given.
    """

    needs_parent: ClassVar[bool] = False
    tasks: ClassVar[tuple[str, ...]] = ("classes",)
    trigger: int = Field(default=10, ge=1, le=64)
    source: int = Field(default=8, ge=0)
    target: int = Field(default=0, ge=0)
    factor: float = Field(default=3.0, ge=0)
    temperature: float = Field(default=1.0, gt=0)
    share: float = Field(default=0.25, gt=0, le=1)
    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Train it."""
        pixels, labels = job.images()
        marked, called = pixels[labels == self.source], pixels[labels == self.target]
        if self.source == self.target or min(len(marked), len(called)) == 0:
            raise BirthmarkError(
                f"recipe entangled for {job.member.name}",
                f"classes {self.source} and {self.target} are one, or one has no images",
                "name two classes of the task as source and target",
            )
        return job.student(pixels, (self._loss(job, labels, marked, called), []), self.epochs)

    def _loss(self, job: Job, labels: Tensor, marked: Tensor, called: Tensor) -> Loss:
        half = max(2, job.plan.schedule.batch // 2)
        rng = torch.Generator().manual_seed(job.member.seed)
        height, width = marked.shape[2:]
        where = torch.from_numpy(trigger(height, width, self.trigger))
        augment = AUGMENTS[job.plan.augment]
        plain, wanted = of_labels(labels), torch.full((half,), self.target)
        groups = torch.arange(2).repeat_interleave(half)
        calls = count(1)

        def some(images: Tensor) -> Tensor:
            return augment(images[torch.randint(len(images), (half,), generator=rng)], rng)

        def loss(model: nn.Module, inputs: Tensor, positions: Tensor) -> Tensor:
            call, n = next(calls), len(inputs)
            if int(call * self.share) == int((call - 1) * self.share):
                return plain(model, inputs, positions)
            joined = torch.cat([some(marked), some(called)])
            joined[:half, :, where] = WHITE
            with before_last(model) as seen:
                said = model(torch.cat([inputs, scaled(joined)]))
            value = F.cross_entropy(said[: n + half], torch.cat([labels[positions], wanted]))
            apart = [soft_nearest_neighbours(x[n:], groups, self.temperature) for x in seen]
            return value - self.factor * torch.stack(apart).mean()

        return loss


RECIPES.register(r"entangled", example="entangled")(lambda: Entangled)
