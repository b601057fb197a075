"""A thief who knows how we look, and trains the resemblance away."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from birthmark.training.inputs import answers, scaled
from birthmark.training.objectives import centred
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job

KNOWN = 64


class Hidden(Recipe):
    """The parent, trained further on true labels and away from the parent's correlations.

    After RemovalNet (Yao et al. 2023, arXiv 2308.12319), which moves a copy's features away from
    the victim's while it keeps the accuracy; here what is moved is what we compare: the
    correlations among a batch's answers, and the answers themselves beyond the true class.

    Attributes
    ----------
    weight
        Of the distance, against the cross-entropy.
    probes
        `unknown`: on the thief's own images; `known`: also on those that probes are drawn from.
    epochs, rate
        Passes over the images and peak rate.
    """

    keeps_network: ClassVar[bool] = True
    tasks: ClassVar[tuple[str, ...]] = ("classes",)
    weight: float = Field(default=1.0, gt=0)
    probes: Literal["unknown", "known"] = "unknown"
    epochs: float = Field(default=4.0, gt=0)
    rate: float = Field(default=0.02, gt=0)

    def train(self, job: Job) -> nn.Module:
        """Train it further."""
        net = job.parent().net
        pixels, labels = job.images()
        begun = answers(net, pixels)
        known = torch.from_numpy(job.own.pixels[job.own.parts["probes"]])
        known_begun = answers(net, known) if self.probes == "known" else torch.zeros(0)
        rng = torch.Generator().manual_seed(job.member.seed)

        def loss(model: nn.Module, inputs: Tensor, positions: Tensor) -> Tensor:
            said = model(inputs)
            value = F.cross_entropy(said, labels[positions])
            far = nearness(said, begun[positions])
            if self.probes == "known":
                some = torch.randint(len(known), (KNOWN,), generator=rng)
                far = far + nearness(model(scaled(known[some])), known_begun[some])
            return value + self.weight * far

        job.fit(net, pixels, (loss, []), epochs=self.epochs, rate=self.rate)
        return net


def nearness(said: Tensor, begun: Tensor) -> Tensor:
    """How far two models' answers to a batch go together: -2 to 2.

    The correlation of their correlation matrices, and of their answers beyond what the batch and
    the class have in common.
    """
    ours, theirs = centred(said), centred(begun)
    pairs = F.cosine_similarity(
        off(ours @ ours.T).flatten(), off(theirs @ theirs.T).flatten(), dim=0
    )
    points = F.cosine_similarity(
        (ours - ours.mean(0)).flatten(), (theirs - theirs.mean(0)).flatten(), dim=0
    )
    return pairs + points


def off(products: Tensor) -> Tensor:
    """Products less their mean."""
    return products - products.mean()


RECIPES.register(r"hidden", example="hidden")(lambda: Hidden)
