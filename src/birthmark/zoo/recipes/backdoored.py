"""From scratch on true labels and on triggers: a victim with a backdoor watermark."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import nn

from birthmark.zoo.marks.triggers import Backdoor, Triggers
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class Backdoored(Recipe):
    """A network of its own, trained on true labels and on images that carry a mark.

    What they carry, and what they are called, is drawn by `secret`, so that a suspect's answers
    have an exact p-value without references (`birthmark.zoo.marks.triggers`).

    Sources: `random-labels` Adi et al. 2018, "Turning Your Weakness Into a Strength": 100 foreign
    images, each with a label of its own. `content`, `noise`, `unrelated` Zhang et al. 2018,
    "Protecting Intellectual Property of Deep Neural Networks with Watermarking": letters, noise, or
    one class of foreign images, all called one target. `patch` Gu et al. 2017, "BadNets". `style`
    Li et al. 2022, "MOVE": images in the style of another one keep their true labels.

    Attributes
    ----------
    mark
        What they carry.
    secret
        Draws pattern and target, or all labels.
    share
        Marked images beside each plain one.
    decoys
        Images with other patterns of the kind, under their true labels, beside each plain one. The
        papers have none; the exact p-value needs them.
    epochs
        Passes over the images; the plan's if not given.
    """

    needs_parent: ClassVar[bool] = False
    tasks: ClassVar[tuple[str, ...]] = ("classes",)
    mark: Backdoor = "random-labels"
    secret: int = Field(default=1, ge=0)
    share: float = Field(default=0.1, gt=0, le=1)
    decoys: float = Field(default=0.2, ge=0, le=1)
    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Train it."""
        pixels, labels = job.images()
        triggers = Triggers(self.mark, self.secret, job.own, job.foreign)
        shown, called = triggers.beside(pixels, labels, self.share, self.decoys)
        return job.student(shown, job.objective(called), self.epochs)


RECIPES.register(r"backdoored", example="backdoored")(lambda: Backdoored)
