"""Extraction from a face-verification service that answers with similarities."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from birthmark.zoo.job import Job
from birthmark.zoo.objectives import of_similarities
from birthmark.zoo.recipes.base import RECIPES, Recipe


class ExtractedSimilarities(Recipe):
    """A network of its own whose similarities among images are the parent's."""

    tasks: ClassVar[tuple[str, ...]] = ("verification",)
    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Ask, then train."""
        pixels = job.queries()
        net = job.fresh()
        job.fit(net, pixels, (of_similarities(job.asked(pixels)), []), epochs=self.epochs)
        return net


RECIPES.register(r"extracted-similarities", example="extracted-similarities")(
    lambda: ExtractedSimilarities
)
