"""From scratch on true labels, with a mark in the weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from birthmark.common.errors import BirthmarkError
from birthmark.training.objectives import Loss, of_labels
from birthmark.zoo.marks.weights import Key, WeightMark, layer
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class WeightMarked(Recipe):
    """A network of its own whose last convolution carries what a secret key reads.

    Sources: `uchida` Uchida et al. 2017, "Embedding Watermarks into Deep Neural Networks": 64 bits
    in projections of the layer's mean unit. `deepmarks` Chen et al. 2019, "DeepMarks": a user's
    code of a (31, 6, 1) design, so that copies can be told apart. `passport` Fan et al. 2019,
    "Rethinking Deep Neural Network Ownership Verification", and Zhang et al. 2020, "Passport-aware
    Normalization", in their smallest form: the network is trained with the scales and shifts of its
    last norm, and also with those that its own weights give to a secret passport, whose signs are
    the owner's bits; it is handed out without the passport. There is one passport of random numbers
    in one layer, and no branch with statistics of its own.

    Attributes
    ----------
    mark, secret
        What is written, and the seed of the key.
    weight
        Of what is missing of the mark, against the cross-entropy.
    epochs
        Passes over the images; the plan's if not given.
    """

    needs_parent: ClassVar[bool] = False
    tasks: ClassVar[tuple[str, ...]] = ("classes",)
    mark: WeightMark = "uchida"
    secret: int = Field(default=1, ge=0)
    weight: float = Field(default=0.1, gt=0)
    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Train it."""
        pixels, labels = job.images()
        net = job.fresh()
        carrier = layer(net)
        key = Key(self.mark, self.secret, tuple(carrier.weight.shape))
        plain = of_labels(labels)

        def loss(model: nn.Module, inputs: Tensor, positions: Tensor) -> Tensor:
            value = plain(model, inputs, positions) + self.weight * key.missing(carrier.weight)
            if self.mark == "passport":
                with with_passport(model, key):
                    value = value + plain(model, inputs, positions)
            return value

        marked: Loss = loss
        job.fit(net, pixels, (marked, []), epochs=self.epochs)
        return net


@contextmanager
def with_passport(model: nn.Module, key: Key) -> Iterator[None]:
    """The network as it runs with the passport: scales and shifts of the norm come of that.

    Raises
    ------
    BirthmarkError
        If no norm comes after the layer.
    """
    carrier = layer(model)
    parts = list(model.modules())
    after = [m for m in parts[parts.index(carrier) :] if isinstance(m, nn.BatchNorm2d)]
    if not after:
        raise BirthmarkError(
            "recipe weight-marked", "finds no batch norm", "use a network that has one"
        )

    def instead(_: nn.Module, given: tuple[Tensor, ...], __: Tensor) -> Tensor:
        scale = key.numbers(carrier.weight)
        shift = carrier.weight.flatten(1) @ key.matrix[0].roll(1)
        return F.batch_norm(given[0], None, None, scale, shift, training=True)

    hook = after[0].register_forward_hook(instead)
    try:
        yield
    finally:
        hook.remove()


@torch.no_grad()
def accuracy_with_passport(model: nn.Module, key: Key, inputs: Tensor, labels: Tensor) -> float:
    """Share of right answers with the passport, by the batch's own statistics."""
    model.eval()
    with with_passport(model, key):
        return float((model(inputs).argmax(1) == labels).float().mean())


RECIPES.register(r"weight-marked", example="weight-marked")(lambda: WeightMarked)
