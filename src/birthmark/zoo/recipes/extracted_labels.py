"""Extraction by labels (Extract-L)."""

from __future__ import annotations

from torch import nn

from birthmark.zoo.job import Job
from birthmark.zoo.recipes.base import RECIPES, Recipe


class ExtractedLabels(Recipe):
    """A network of its own, trained on the parent's labels of the thief's images.

    Source: SAC and SAC-JC, "Extract-L".
    """

    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Ask, then train."""
        pixels, truth = job.images()
        net, labels = job.fresh(), job.asked_labels(pixels, truth)
        job.fit(net, pixels, job.objective(labels), epochs=self.epochs)
        return net


RECIPES.register(r"extracted-labels", example="extracted-labels")(lambda: ExtractedLabels)
