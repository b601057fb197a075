"""Knockoff: extraction with images of another kind."""

from __future__ import annotations

from torch import nn

from birthmark.training.objectives import of_probabilities, of_similarities
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class Knockoff(Recipe):
    """A network of its own that learns the parent's answers to foreign images.

    Source: Knockoff Nets (Orekondy et al. 2019), random queries, soft labels.
    """

    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Ask, then train."""
        pixels = job.foreign_queries()
        said = job.asked(pixels)
        loss = of_similarities(said) if job.verification else of_probabilities(said, 1.0, 1.0)
        return job.student(pixels, (loss, []), self.epochs)

    def images(self, job: Job) -> int:
        """How many foreign images."""
        return len(job.foreign.parts["train"])


RECIPES.register(r"knockoff", example="knockoff")(lambda: Knockoff)
