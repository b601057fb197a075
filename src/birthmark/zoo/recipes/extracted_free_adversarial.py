"""Adversarial extraction at no cost: one backward pass serves the weights and the attack."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from birthmark.training.inputs import DEVIATION
from birthmark.training.objectives import Loss
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class ExtractedFreeAdversarial(Recipe):
    """A student, trained further on images that the last step's gradient has changed.

    Source: Shafahi et al. 2019, "Adversarial Training for Free!": each batch is shown `replays`
    times, the change of its images takes a step of `eps` along the gradient's sign each time, and
    carries over to the next batch. So for the same time it trains many more epochs than PGD.

    Attributes
    ----------
    labels
        Whose labels: a model's, or `true` for an honest network, whose parent is honest too.
    eps
        Largest change of a pixel, in grey levels.
    replays
        The paper's m.
    """

    keeps_network: ClassVar[bool] = True
    tasks: ClassVar[tuple[str, ...]] = ("classes",)
    labels: str = "victim"
    eps: float = Field(default=4.0, gt=0)
    replays: int = Field(default=4, ge=1)
    epochs: float = Field(default=8.0, gt=0)
    rate: float = Field(default=0.02, gt=0)

    def train(self, job: Job) -> nn.Module:
        """Train it further."""
        net, pixels, (loss, extra) = job.further(self.labels)
        change = torch.zeros(1)
        eps = self.eps / DEVIATION

        def changed(model: nn.Module, inputs: Tensor, positions: Tensor) -> Tensor:
            nonlocal change
            if change.grad is not None:
                change = (change.detach() + eps * change.grad.sign()).clamp(-eps, eps)
            if change.shape[1:] != inputs.shape[1:] or len(change) < len(inputs):
                change = torch.zeros_like(inputs)
            change = change[: len(inputs)].detach().requires_grad_()
            return loss(model, inputs + change, positions)

        free: Loss = changed
        job.fit(
            net,
            pixels,
            (free, extra),
            epochs=self.epochs,
            rate=self.rate,
            replays=self.replays,
        )
        return net


RECIPES.register(r"extracted-free-adversarial", example="extracted-free-adversarial")(
    lambda: ExtractedFreeAdversarial
)
