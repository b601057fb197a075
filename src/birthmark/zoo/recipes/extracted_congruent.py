"""Distillation by correlation congruence: a thief that copies how answers correlate."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from birthmark.training.objectives import centred, of_probabilities, with_more
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job


class ExtractedCongruent(Recipe):
    """A network of its own, distilled so that the relations among a batch's answers are the same.

    Source: Peng et al. 2019, "Correlation Congruence for Knowledge Distillation": distillation plus
    `congruence` times the mean squared difference of both models' kernel matrices over the batch,
    exp(-gamma |x - y|^2) of vectors of length one (the paper takes its Taylor series). The vectors
    are the log-probabilities, since a thief is told no features.

    Attributes
    ----------
    temperature, weight
        As for `extracted-probabilities`.
    congruence, gamma
        Weight and sharpness of the kernel's part.
    epochs
        Passes over the images; the plan's if not given.
    """

    tasks: ClassVar[tuple[str, ...]] = ("classes",)
    temperature: float = Field(default=4.0, gt=0)
    weight: float = Field(default=0.9, ge=0, le=1)
    congruence: float = Field(default=30.0, ge=0)
    gamma: float = Field(default=0.4, gt=0)
    epochs: float | None = None

    def train(self, job: Job) -> nn.Module:
        """Ask, then train."""
        pixels = job.queries()
        said = job.asked(pixels)
        plain = of_probabilities(said, self.temperature, self.weight)

        def kernel(logs: Tensor) -> Tensor:
            unit = centred(logs)
            nearness: Tensor = (-2 * self.gamma * (1 - unit @ unit.T)).exp()
            return nearness

        def apart(answers: Tensor, positions: Tensor) -> Tensor:
            return self.congruence * F.mse_loss(kernel(answers), kernel(said[positions]))

        return job.student(pixels, (with_more(plain, apart), []), self.epochs)


RECIPES.register(r"extracted-congruent", example="extracted-congruent")(lambda: ExtractedCongruent)
