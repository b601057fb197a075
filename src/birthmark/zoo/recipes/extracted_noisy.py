"""Distillation with noise or temperature, by a thief who wants the correlations gone."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import nn

from birthmark.training.objectives import of_probabilities, of_similarities
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class ExtractedNoisy(Recipe):
    """A network of its own, distilled from answers that the thief has changed.

    Attributes
    ----------
    sharpness
        Log-probabilities are multiplied by it: below 1 flatter, above 1 sharper.
    noise
        Deviation of Gaussian noise, as a share of the answers' own deviation.
    """

    sharpness: float = Field(default=1.0, gt=0)
    noise: float = Field(default=0.5, ge=0)
    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Ask, change the answers, then train."""
        pixels = job.queries()
        said = job.asked(pixels)
        rng = torch.Generator().manual_seed(job.member.seed)
        said = said + self.noise * said.std() * torch.randn(said.shape, generator=rng)
        if job.verification:
            loss = of_similarities(said)
        else:
            loss = of_probabilities((said * self.sharpness).log_softmax(1), 1.0, 1.0)
        return job.student(pixels, (loss, []), self.epochs)


RECIPES.register(r"extracted-noisy", example="extracted-noisy")(lambda: ExtractedNoisy)
