"""Fine-pruning: channels that are hardly active are dropped, with fine-tuning in between."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from birthmark.common.errors import BirthmarkError
from birthmark.training.inputs import answers
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job

SAMPLE = 512


class FinePruned(Recipe):
    """The share `ratio` of every layer's channels, the least active first, in `steps` steps.

    Source: Liu et al. 2018; SAC-JC prunes in the same way and takes snapshots on the way.
    A channel is dropped by setting its batch norm to zero, which keeps the network's form, and
    stays dropped, though others may die of the training.
    """

    keeps_network: ClassVar[bool] = True
    ratio: float = Field(default=0.3, gt=0, lt=1)
    steps: int = Field(default=2, ge=1, le=20)
    epochs: float = Field(default=1.0, gt=0)
    rate: float = Field(default=0.01, gt=0)

    def train(self, job: Job) -> nn.Module:
        """Drop channels and train the others, step by step."""
        net = job.parent().net
        norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
        if not norms:
            raise BirthmarkError(
                f"recipe fine-pruned for {job.member.name}",
                "the network has no batch norm, by which channels are dropped",
                "use magnitude-pruned",
            )
        pixels, labels = job.images()
        objective = job.objective(labels, start=(net, pixels))
        dropped = [torch.zeros(0, dtype=torch.int64) for _ in norms]

        def drop() -> None:
            with torch.no_grad():
                for norm, channels in zip(norms, dropped, strict=True):
                    norm.weight[channels] = 0
                    norm.bias[channels] = 0

        for step in range(1, self.steps + 1):
            share = self.ratio * step / self.steps
            dropped = self.least(net, norms, pixels[:SAMPLE], labels[:SAMPLE], dropped, share)
            drop()
            job.fit(
                net, pixels, objective, epochs=self.epochs / self.steps, rate=self.rate, after=drop
            )
        return net

    def least(
        self,
        net: nn.Module,
        norms: list[nn.BatchNorm2d],
        pixels: Tensor,
        labels: Tensor,  # noqa: ARG002
        dropped: list[Tensor],
        share: float,
    ) -> list[Tensor]:
        """Of each layer the share of channels that are least active, those dropped among them."""
        least = []
        for active, gone in zip(_activity(net, norms, pixels), dropped, strict=True):
            active[gone] = -1.0
            least.append(active.argsort(stable=True)[: int(share * len(active))])
        return least


def _activity(net: nn.Module, norms: list[nn.BatchNorm2d], pixels: Tensor) -> list[Tensor]:
    """Each layer's mean activation by channel, after batch norm and ReLU."""
    sums = [torch.zeros(norm.num_features) for norm in norms]

    def adding(i: int) -> Any:
        def add(_: nn.Module, __: Any, output: Tensor) -> None:
            sums[i] += output.relu().sum((0, 2, 3))

        return add

    hooks = [norm.register_forward_hook(adding(i)) for i, norm in enumerate(norms)]
    try:
        answers(net, pixels)
    finally:
        for hook in hooks:
            hook.remove()
    return sums


RECIPES.register(r"fine-pruned", example="fine-pruned")(lambda: FinePruned)
