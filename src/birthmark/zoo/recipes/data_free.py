"""Data-free extraction: a generator makes the questions."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from birthmark.training.inputs import answers, scaled
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job

WIDTH, NOISE = 32, 64


class DataFree(Recipe):
    """A network of its own that learns the parent's answers to images that a generator makes.

    Source: Truong et al. 2021, "Data-Free Model Extraction": the student follows the victim's
    logits (log-probabilities less their mean) in L1; the generator seeks images on which they
    differ, along a gradient estimated by forward differences in `directions` random directions.
    Sized for a CPU: the paper spends 20 million queries, this `queries` in all. Images are whole
    grey levels, as a service takes them, so a difference takes `reach` of them.

    Attributes
    ----------
    queries
        All that is asked.
    batch
        Images a step.
    directions
        Questions an image for each step of the generator.
    reach
        Length of a difference, in grey levels a pixel.
    """

    tasks: ClassVar[tuple[str, ...]] = ("classes",)
    queries: int = Field(default=150_000, ge=1000)
    batch: int = Field(default=64, ge=4)
    directions: int = Field(default=1, ge=1)
    reach: float = Field(default=4.0, gt=0)
    student_steps: int = Field(default=4, ge=1)
    rate: float = Field(default=0.05, gt=0)

    def train(self, job: Job) -> nn.Module:
        """Play both against each other."""
        student, victim = job.fresh(), job.parent().net
        size, channels = job.own.pixels.shape[-1], job.own.pixels.shape[1]
        torch.manual_seed(job.member.seed)
        generator = Generator(size, channels)
        each = self.batch * (self.student_steps + 1 + self.directions)
        turns = max(1, round(self.queries * job.plan.size.epochs / each))
        learning = torch.optim.SGD(student.parameters(), lr=self.rate, momentum=0.9)
        making = torch.optim.Adam(generator.parameters(), lr=5e-4)
        slower = [
            torch.optim.lr_scheduler.CosineAnnealingLR(one, turns) for one in (learning, making)
        ]
        for _ in range(turns):
            self._make(generator, student, victim, making)
            for _ in range(self.student_steps):
                with torch.no_grad():
                    asked = levels(generator(torch.randn(self.batch, NOISE)))
                student.train()
                apart = F.l1_loss(relative(student(scaled(asked))), said(victim, asked))
                learning.zero_grad()
                apart.backward()  # type: ignore[no-untyped-call]
                learning.step()
            for one in slower:
                one.step()
        return student.eval()

    def _make(
        self,
        generator: Generator,
        student: nn.Module,
        victim: nn.Module,
        making: torch.optim.Optimizer,
    ) -> None:
        """A step of the generator towards images on which the two differ."""
        student.eval()
        made = generator(torch.randn(self.batch, NOISE))

        def apart(images: Tensor) -> Tensor:
            asked = levels(images)
            with torch.no_grad():
                far = relative(student(scaled(asked))) - said(victim, asked)
            return far.abs().mean(1)

        begun, slope = apart(made), torch.zeros_like(made)
        for _ in range(self.directions):
            way = torch.randn_like(made).sign() * (self.reach / 127.5)
            gain = apart((made + way).clamp(-1, 1)) - begun
            slope += gain[:, None, None, None] * way.sign()
        making.zero_grad()
        made.backward(-F.normalize(slope.flatten(1)).view_as(made) / len(made))
        making.step()

    def images(self, job: Job) -> int:
        """How many answers it buys."""
        return round(self.queries * job.plan.size.epochs)


class Generator(nn.Module):
    """From noise (n, 64) to images of -1 to 1, whose sides are a multiple of four."""

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.side = -(-size // 4)
        self.size = size
        self.first = nn.Linear(NOISE, 2 * WIDTH * self.side**2)
        self.rest = nn.Sequential(
            nn.BatchNorm2d(2 * WIDTH),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(2 * WIDTH, 2 * WIDTH, 3, padding=1),
            nn.BatchNorm2d(2 * WIDTH),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(2 * WIDTH, WIDTH, 3, padding=1),
            nn.BatchNorm2d(WIDTH),
            nn.LeakyReLU(0.2),
            nn.Conv2d(WIDTH, channels, 3, padding=1),
            nn.BatchNorm2d(channels, affine=False),
            nn.Tanh(),
        )

    def forward(self, noise: Tensor) -> Tensor:
        """Images."""
        begun = self.first(noise).view(-1, 2 * WIDTH, self.side, self.side)
        made: Tensor = self.rest(begun)[..., : self.size, : self.size]
        return made


def levels(images: Tensor) -> Tensor:
    """Whole grey levels of images of -1 to 1, uint8."""
    return ((images + 1) * 127.5).round().to(torch.uint8)


def relative(logits: Tensor) -> Tensor:
    """Log-probabilities less their mean: what a service's probabilities tell of logits."""
    return logits - logits.mean(1, keepdim=True)


def said(victim: nn.Module, pixels: Tensor) -> Tensor:
    """What the victim answers, as its service gives it: probabilities of six digits."""
    logs = answers(victim, pixels).log_softmax(1).clamp(min=-14)
    return relative(logs)


RECIPES.register(r"data-free", example="data-free")(lambda: DataFree)
