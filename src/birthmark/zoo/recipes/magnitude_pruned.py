"""Magnitude pruning: the smallest weights become zero."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class MagnitudePruned(Recipe):
    """The share `ratio` of all weights of convolutions and linear layers, then fine-tuning.

    Source: Han et al. 2015.
    """

    keeps_network: ClassVar[bool] = True
    ratio: float = Field(default=0.5, gt=0, lt=1)
    epochs: float = Field(default=1.0, gt=0)
    rate: float = Field(default=0.01, gt=0)

    def train(self, job: Job) -> nn.Module:
        """Prune, then train what is left."""
        net = job.parent().net
        weights = [m.weight for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        sizes = torch.cat([w.detach().abs().flatten() for w in weights])
        least = sizes.sort().values[int(self.ratio * len(sizes))]
        kept = [w.detach().abs() >= least for w in weights]

        def prune() -> None:
            with torch.no_grad():
                for weight, mask in zip(weights, kept, strict=True):
                    weight.mul_(mask)

        prune()
        pixels, labels = job.images()
        objective = job.objective(labels, start=(net, pixels))
        job.fit(net, pixels, objective, epochs=self.epochs, rate=self.rate, after=prune)
        return net


RECIPES.register(r"magnitude-pruned", example="magnitude-pruned")(lambda: MagnitudePruned)
