"""Extraction by labels (Extract-L)."""

from __future__ import annotations

from torch import nn

from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class ExtractedLabels(Recipe):
    """A network of its own, trained on the parent's labels of the thief's images.

    Source: SAC and SAC-JC, "Extract-L".
    """

    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Ask, then train."""
        pixels, truth = job.images()
        labels = job.asked_labels(pixels, truth)
        return job.student(pixels, job.objective(labels), self.epochs)


RECIPES.register(r"extracted-labels", example="extracted-labels")(lambda: ExtractedLabels)
