"""Extraction from a face-verification service that answers with embeddings."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from birthmark.training.objectives import of_embeddings
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class ExtractedEmbeddings(Recipe):
    """A network of its own whose embeddings point where the parent's do."""

    tasks: ClassVar[tuple[str, ...]] = ("verification",)
    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Ask, then train."""
        pixels = job.queries()
        return job.student(pixels, (of_embeddings(job.asked(pixels)), []), self.epochs)


RECIPES.register(r"extracted-embeddings", example="extracted-embeddings")(
    lambda: ExtractedEmbeddings
)
