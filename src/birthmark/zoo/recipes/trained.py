"""From scratch on true labels: the victim and every innocent."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from birthmark.training.objectives import MarginKind
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class Trained(Recipe):
    """A network of its own, trained on true labels.

    Attributes
    ----------
    epochs
        Passes over the images; the plan's if not given.
    margin
        For verification: `cosface` or `arcface`.
    """

    needs_parent: ClassVar[bool] = False
    epochs: float | None = None
    margin: MarginKind = "cosface"

    def train(self, job: Job) -> nn.Module:
        """Train it."""
        pixels, labels = job.images()
        return job.student(pixels, job.objective(labels, self.margin), self.epochs)


RECIPES.register(r"trained", example="trained")(lambda: Trained)
