"""Fine-tuning on the thief's true labels (Finetune-A, Finetune-L)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from torch import nn

from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class Finetuned(Recipe):
    """The parent, trained further.

    Source: SAC and SAC-JC, "Finetune-A" (all layers) and "Finetune-L" (the last).
    """

    keeps_network: ClassVar[bool] = True
    layers: Literal["all", "last"] = "all"
    epochs: float = Field(default=2.0, gt=0)
    rate: float = Field(default=0.01, gt=0)

    def train(self, job: Job) -> nn.Module:
        """Train it further."""
        net = job.parent().net
        pixels, labels = job.images()
        fit = job.fit if self.layers == "all" else job.fit_last
        fit(
            net,
            pixels,
            job.objective(labels, start=(net, pixels)),
            epochs=self.epochs,
            rate=self.rate,
        )
        return net


RECIPES.register(r"finetuned", example="finetuned")(lambda: Finetuned)
