"""Fine-tuning on JPEG-like images, by a thief who expects JPEG probes."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import nn

from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job, with_jpegs


class JpegFinetuned(Recipe):
    """The parent, trained further on its images and on JPEGs of them of random qualities.

    Attributes
    ----------
    worst, best
        Range of Pillow's quality.
    """

    keeps_network: ClassVar[bool] = True
    worst: int = Field(default=7, ge=1, le=95)
    best: int = Field(default=50, ge=1, le=95)
    epochs: float = Field(default=1.5, gt=0)
    rate: float = Field(default=0.02, gt=0)

    def train(self, job: Job) -> nn.Module:
        """Train it further."""
        net = job.parent().net
        pixels, labels = job.images()
        both, labels = with_jpegs(pixels, labels, self.worst, self.best, job.member.seed)
        objective = job.objective(labels, start=(net, both))
        job.fit(net, both, objective, epochs=self.epochs, rate=self.rate)
        return net


RECIPES.register(r"jpeg-finetuned", example="jpeg-finetuned")(lambda: JpegFinetuned)
