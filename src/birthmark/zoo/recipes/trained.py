"""On true labels: the victim and every innocent, whatever their regime."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from torch import nn

from birthmark.training.objectives import MarginKind
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job, with_jpegs


class Trained(Recipe):
    """A network of its own, trained on true labels.

    Attributes
    ----------
    epochs, rate
        Passes over the images and peak rate; the plan's if not given.
    margin
        For verification: `cosface` or `arcface`.
    augment, optimiser, smoothing
        As of a reference's recipe; the plan's augmentation if not given.
    share
        Of its part's images, so many are used.
    jpeg
        Whether half of what it sees are JPEGs of random quality.
    layers
        `last` trains a new last layer on a checkpoint's features.
    """

    needs_parent: ClassVar[bool] = False
    epochs: float | None = None
    rate: float | None = Field(default=None, gt=0)
    margin: MarginKind = "cosface"
    augment: Literal["shift", "face", "none"] | None = None
    optimiser: Literal["sgd", "adamw"] = "sgd"
    smoothing: float = Field(default=0.0, ge=0, lt=1)
    share: float = Field(default=1.0, gt=0, le=1)
    jpeg: int = Field(default=0, ge=0, le=1)
    layers: Literal["all", "last"] = "all"

    def train(self, job: Job) -> nn.Module:
        """Train it."""
        pixels, labels = job.images()
        rng = np.random.default_rng((job.member.seed, 4))
        some = np.sort(rng.permutation(len(pixels))[: max(2, round(self.share * len(pixels)))])
        pixels, labels = pixels[some], labels[some]
        if self.jpeg:
            pixels, labels = with_jpegs(pixels, labels, 7, 75, job.member.seed)
        net = job.fresh()
        objective = job.objective(labels, self.margin, smoothing=self.smoothing)
        if self.layers == "last":
            job.fit_last(net, pixels, objective, epochs=self.epochs or 5, rate=self.rate or 0.03)
        else:
            job.fit(
                net,
                pixels,
                objective,
                epochs=self.epochs,
                rate=self.rate,
                augment=self.augment,
                optimiser=self.optimiser,
            )
        return net

    def images(self, job: Job) -> int:
        """How many images it is trained on."""
        return round(self.share * super().images(job))


RECIPES.register(r"trained", example="trained")(lambda: Trained)
