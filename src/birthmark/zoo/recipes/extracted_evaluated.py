"""Evaluation-oriented distillation: a thief that copies which pairs of faces pass."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from birthmark.training.objectives import of_similarities, with_more
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class ExtractedEvaluated(Recipe):
    """A network of its own that learns the parent's similarities, and which pairs it lets pass.

    Source: Huang et al. 2022, "Evaluation-Oriented Knowledge Distillation for Deep Face
    Recognition": what counts are the pairs that the parent judges rightly and the student wrongly,
    at thresholds of given false-positive rates. Thresholds are quantiles of both models'
    similarities of different people in the batch, so rates below one in its pairs can't be had; the
    thief knows who his people are, and is told similarities alone.

    Attributes
    ----------
    rates
        False-positive rates of the thresholds.
    weight
        Of the pairs, against the distillation of all similarities.
    epochs
        Passes over the images; the plan's if not given.
    """

    tasks: ClassVar[tuple[str, ...]] = ("verification",)
    rates: tuple[float, ...] = Field(default=(0.1, 0.01, 0.001), min_length=1)
    weight: float = Field(default=1.0, gt=0)
    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Ask, then train."""
        pixels, people = job.images()
        said = F.normalize(job.asked(pixels))
        plain = of_similarities(said)
        rates = torch.tensor(self.rates)

        def wrongly(answers: Tensor, positions: Tensor) -> Tensor:
            mine = F.normalize(answers)
            return self.weight * missed(mine, said[positions], people[positions], rates)

        return job.student(pixels, (with_more(plain, wrongly), []), self.epochs)


def missed(mine: Tensor, theirs: Tensor, people: Tensor, rates: Tensor) -> Tensor:
    """By how much pairs lie on the wrong side of a threshold where the parent's lie on the right.

    Parameters
    ----------
    mine, theirs
        float32 (n, width), rows of length one.
    people
        int64 (n,).
    rates
        float32 (k,), 0 to 1.
    """
    above = torch.triu_indices(len(people), len(people), 1)
    alike = people[above[0]] == people[above[1]]
    if alike.all() or not alike.any():
        return mine.sum() * 0
    own, parents = ((some @ some.T)[above[0], above[1]] for some in (mine, theirs))
    bars = own[~alike].detach().quantile(1 - rates)[:, None]
    parents_bars = parents[~alike].quantile(1 - rates)[:, None]
    lost = F.relu(bars - own) * (alike & (parents >= parents_bars))
    let_in = F.relu(own - bars) * (~alike & (parents < parents_bars))
    return lost.sum(1).mean() / alike.sum() + let_in.sum(1).mean() / (~alike).sum()


RECIPES.register(r"extracted-evaluated", example="extracted-evaluated")(lambda: ExtractedEvaluated)
