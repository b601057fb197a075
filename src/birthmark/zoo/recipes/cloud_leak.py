"""CloudLeak: a checkpoint, tuned on few images near the victim's borders."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from birthmark.training.inputs import DEVIATION, MEAN, scaled
from birthmark.training.objectives import of_labels
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class CloudLeak(Recipe):
    """A public checkpoint that learns the victim's labels of few images made near its own borders.

    Source: Yu et al. 2020, "CloudLeak". The thief tunes the checkpoint on `seeds` labelled images,
    then `rounds` times: changes images so that its own two largest probabilities meet (the paper's
    margin examples), asks the victim about them, and tunes on all that was asked.

    Attributes
    ----------
    seeds
        Images asked first.
    rounds
        How often as many changed images are asked.
    eps, steps
        Largest change of a pixel in grey levels, and steps of the search.
    epochs
        Passes over all that was asked, after each round.
    """

    tasks: ClassVar[tuple[str, ...]] = ("classes",)
    seeds: int = Field(default=500, ge=2)
    rounds: int = Field(default=2, ge=1, le=10)
    eps: float = Field(default=12.0, gt=0)
    steps: int = Field(default=10, ge=1)
    epochs: float = Field(default=12.0, gt=0)
    rate: float = Field(default=0.02, gt=0)

    def train(self, job: Job) -> nn.Module:
        """Tune, search, ask, tune again."""
        net = job.fresh()
        pool = job.queries()
        asked = pool[: self.seeds]
        labels = job.asked(asked).argmax(1)
        for turn in range(self.rounds + 1):
            job.fit(net, asked, (of_labels(labels), []), epochs=self.epochs, rate=self.rate)
            if turn < self.rounds:
                some = torch.arange(turn * self.seeds, (turn + 1) * self.seeds) % len(pool)
                near = self._near_a_border(net, pool[some])
                asked = torch.cat([asked, near])
                labels = torch.cat([labels, job.asked(near).argmax(1)])
        return net

    def _near_a_border(self, net: nn.Module, pixels: Tensor) -> Tensor:
        """Images, uint8, changed so that the network hardly knows which of two classes they are."""
        net.eval()
        eps, step = self.eps / DEVIATION, 2 * self.eps / DEVIATION / self.steps
        found = []
        for some in torch.split(pixels, 256):
            begun = scaled(some)
            change = torch.zeros_like(begun)
            for _ in range(self.steps):
                change.requires_grad_()
                first, second = net(begun + change).softmax(1).topk(2).values.unbind(1)
                (slope,) = torch.autograd.grad((first - second).sum(), change)
                change = (change.detach() - step * slope.sign()).clamp(-eps, eps)
            levels = (begun + change) * DEVIATION + MEAN
            found.append(levels.round().clamp(0, 255).to(torch.uint8))
        return torch.cat(found)

    def images(self, job: Job) -> int:  # noqa: ARG002
        """How many answers it buys."""
        return self.seeds * (self.rounds + 1)


RECIPES.register(r"cloud-leak", example="cloud-leak")(lambda: CloudLeak)
