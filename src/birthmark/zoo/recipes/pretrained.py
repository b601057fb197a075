"""A public checkpoint: trained on images of another kind, with their own labels."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import nn

from birthmark.training.objectives import of_labels
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class Pretrained(Recipe):
    """What models of a group with `starts` begin from.

    Attributes
    ----------
    epochs
        Passes over the images; the plan's if not given.
    """

    needs_parent: ClassVar[bool] = False
    task: ClassVar[Literal["own", "new", "foreign"]] = "foreign"
    tasks: ClassVar[tuple[str, ...]] = ("classes",)
    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Train it."""
        net = job.fresh(job.foreign.classes)
        pixels, labels = job.foreign_queries(), job.foreign_labels()
        job.fit(net, pixels, (of_labels(labels), []), epochs=self.epochs)
        return net

    def images(self, job: Job) -> int:
        """How many foreign images."""
        return len(job.foreign.parts["train"])


RECIPES.register(r"pretrained", example="pretrained")(lambda: Pretrained)
