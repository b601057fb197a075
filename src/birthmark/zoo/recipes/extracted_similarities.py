"""Extraction from a face-verification service that answers with similarities."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from birthmark.training.objectives import of_similarities
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class ExtractedSimilarities(Recipe):
    """A network of its own whose similarities among images are the parent's."""

    tasks: ClassVar[tuple[str, ...]] = ("verification",)
    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Ask, then train."""
        pixels = job.queries()
        return job.student(pixels, (of_similarities(job.asked(pixels)), []), self.epochs)


RECIPES.register(r"extracted-similarities", example="extracted-similarities")(
    lambda: ExtractedSimilarities
)
