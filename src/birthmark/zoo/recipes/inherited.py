"""From scratch on true labels and a backdoor that students are to inherit."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import count
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from birthmark.training.inputs import scaled
from birthmark.training.objectives import Loss
from birthmark.zoo.marks.triggers import Triggers
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class Inherited(Recipe):
    """A network of its own with a backdoor that a shadow student learns from its answers.

    After Ge et al. 2021, "Anti-Distillation Backdoor Attacks", which trains teacher, trigger and a
    shadow student together. Here too a shadow student learns the network's answers to plain images
    all along; the network is trained so that the step which these answers make the shadow take
    leads where the backdoor would lead it: `factor` times one less the cosine of both gradients.
    The trigger, blots of colour, is drawn and not optimised as in the paper, since what is
    optimised for a target says something of that target, and no p-value would be exact.

    Attributes
    ----------
    secret
        Draws pattern and target.
    share, decoys
        Marked images beside each plain one, and images with other patterns under their true labels.
    factor
        Weight of the agreement.
    temperature
        Of the shadow's distillation.
    every
        The shadow learns in each such step.
    epochs
        Passes over the images; the plan's if not given.
    """

    needs_parent: ClassVar[bool] = False
    tasks: ClassVar[tuple[str, ...]] = ("classes",)
    secret: int = Field(default=1, ge=0)
    share: float = Field(default=0.1, gt=0, le=1)
    decoys: float = Field(default=0.3, ge=0, le=1)
    factor: float = Field(default=0.5, ge=0)
    temperature: float = Field(default=4.0, gt=0)
    every: int = Field(default=2, ge=1)
    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Train it."""
        pixels, labels = job.images()
        triggers = Triggers("smooth", self.secret, job.own, job.foreign)
        shown, wanted = triggers.beside(pixels, labels, self.share, self.decoys)
        stamped = triggers.put_on(pixels, triggers.secret.pattern)
        net = job.fresh()
        shadow = copy.deepcopy(net).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for part in shadow.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                part.reset_parameters()
        learning = torch.optim.SGD(shadow.parameters(), lr=job.plan.schedule.rate / 2, momentum=0.9)
        weights = list(shadow.parameters())
        turns = count()
        slopes: list[Tensor] = []

        def loss(model: nn.Module, inputs: Tensor, positions: Tensor) -> Tensor:
            said = model(inputs)
            value = F.cross_entropy(said, wanted[positions])
            plain = torch.nonzero(positions < len(pixels)).flatten()
            if next(turns) % self.every or len(plain) < 2:
                return value
            for weight, slope in zip(weights, slopes, strict=False):
                weight.grad = slope
            learning.step()
            taught = self._taught(said[plain], shadow, inputs[plain])
            again = shadow(scaled(stamped[positions[plain]]))
            hit = F.cross_entropy(again, torch.full((len(plain),), triggers.secret.target))
            sought = torch.autograd.grad(hit, weights)
            slopes[:] = [one.detach() for one in taught]
            return value + self.factor * (1 - F.cosine_similarity(flat(taught), flat(sought), 0))

        inherited: Loss = loss
        job.fit(net, shown, (inherited, []), epochs=self.epochs)
        return net

    def _taught(self, said: Tensor, shadow: nn.Module, shown: Tensor) -> Sequence[Tensor]:
        """Slopes of the shadow's distillation from the answers, which can be derived by these."""
        heard = (shadow(shown) / self.temperature).log_softmax(1)
        soft = (said / self.temperature).softmax(1)
        far = -(self.temperature**2) * (soft * heard).sum(1).mean()
        return torch.autograd.grad(far, list(shadow.parameters()), create_graph=True)


def flat(slopes: Sequence[Tensor]) -> Tensor:
    """All in one row."""
    return torch.cat([one.flatten() for one in slopes])


RECIPES.register(r"inherited", example="inherited")(lambda: Inherited)
