"""Extraction by probabilities (Extract-P)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import nn

from birthmark.training.objectives import of_probabilities
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class ExtractedProbabilities(Recipe):
    """A network of its own, distilled from the parent's probabilities.

    Source: SAC and SAC-JC, "Extract-P": T=20; `weight` is .9 for CIFAR-10, .1 for KDEF.
    """

    tasks: ClassVar[tuple[str, ...]] = ("classes",)
    temperature: float = Field(default=20.0, gt=0)
    weight: float = Field(default=0.9, ge=0, le=1)
    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Ask, then train."""
        pixels = job.queries()
        loss = of_probabilities(job.asked(pixels), self.temperature, self.weight)
        return job.student(pixels, (loss, []), self.epochs)


RECIPES.register(r"extracted-probabilities", example="extracted-probabilities")(
    lambda: ExtractedProbabilities
)
