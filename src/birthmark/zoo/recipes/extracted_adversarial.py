"""Adversarial extraction (Extract-Adv)."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from birthmark.training.inputs import DEVIATION
from birthmark.training.objectives import Loss
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class ExtractedAdversarial(Recipe):
    """A student, trained further on clean and adversarial images with the victim's labels.

    Source: SAC and SAC-JC, "Extract-Adv": PGD, eps 4/255, loss on clean plus loss on adversarial
    images. The parent is a student by labels. The attack runs in evaluation mode.

    Attributes
    ----------
    labels
        Whose labels: a model's, or `true` for an honest network, whose parent is honest too.
    eps, step
        Largest change of a pixel and change a step, in grey levels.
    steps
        Steps of the attack.
    """

    keeps_network: ClassVar[bool] = True
    labels: str = "victim"
    eps: float = Field(default=4.0, gt=0)
    step: float = Field(default=1.5, gt=0)
    steps: int = Field(default=3, ge=1)
    epochs: float = Field(default=1.0, gt=0)
    rate: float = Field(default=0.02, gt=0)

    def train(self, job: Job) -> nn.Module:
        """Train it further."""
        net, pixels, (loss, extra) = job.further(self.labels)
        both = self._with_attacks(loss)
        job.fit(net, pixels, (both, extra), epochs=self.epochs, rate=self.rate)
        return net

    def _with_attacks(self, loss: Loss) -> Loss:
        def both(model: nn.Module, inputs: Tensor, positions: Tensor) -> Tensor:
            model.eval()
            attacked = self._attacked(model, loss, inputs, positions)
            model.train()
            return loss(model, inputs, positions) + loss(model, attacked, positions)

        return both

    def _attacked(self, model: nn.Module, loss: Loss, inputs: Tensor, positions: Tensor) -> Tensor:
        eps, step = self.eps / DEVIATION, self.step / DEVIATION
        change = torch.empty_like(inputs).uniform_(-eps, eps)
        for _ in range(self.steps):
            change.requires_grad_()
            value = loss(model, inputs + change, positions)
            (slope,) = torch.autograd.grad(value, change)
            change = (change.detach() + step * slope.sign()).clamp(-eps, eps)
        return inputs + change


RECIPES.register(r"extracted-adversarial", example="extracted-adversarial")(
    lambda: ExtractedAdversarial
)
