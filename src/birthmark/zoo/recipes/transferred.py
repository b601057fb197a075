"""Transfer to a new label set (Transfer-A, Transfer-L)."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from birthmark.training.nets.head import replace_head
from birthmark.training.objectives import of_labels
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class Transferred(Recipe):
    """The parent's body with a new last layer, trained on another label set.

    Source: SAC, "Transfer-A" (all layers learn) and "Transfer-L" (the new one).
    """

    keeps_network: ClassVar[bool] = True
    task: ClassVar[Literal["own", "new", "foreign"]] = "new"
    layers: Literal["all", "last"] = "all"
    epochs: float = Field(default=4.0, gt=0)
    rate: float = Field(default=0.02, gt=0)

    def train(self, job: Job) -> nn.Module:
        """Replace the last layer and train."""
        net = job.parent().net
        torch.manual_seed(job.member.seed)
        replace_head(net, job.new.classes)
        positions = job.new.parts["train"]
        pixels = torch.from_numpy(job.new.pixels[positions])
        objective = of_labels(torch.from_numpy(job.new.labels[positions]))
        fit = job.fit if self.layers == "all" else job.fit_last
        fit(net, pixels, (objective, []), epochs=self.epochs, rate=self.rate)
        return net


RECIPES.register(r"transferred", example="transferred")(lambda: Transferred)
