"""The triggers of a backdoor watermark, and how a suspect's answers to them are judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birthmark.calibration.conformal import conformal_p
from birthmark.data.outputs import Kind, Outputs
from birthmark.witnesses.shuffled.chance import tail_p
from birthmark.zoo.images.arrays import Arrays
from birthmark.zoo.marks.patterns import PATTERNS, Stamp, stamped

Backdoor = Literal["random-labels", "unrelated", "patch", "content", "noise", "smooth", "style"]
Answer = Callable[[NDArray[np.uint8]], Outputs]
Floats = NDArray[np.float64]
TRIGGERS, HOSTS, STYLES = 100, 20, 300
"""Triggers with labels of their own; images that each pattern is put on; styles to draw from."""


@dataclass(frozen=True)
class Secret:
    """What a sealed seed draws: one of many patterns, and a target."""

    pattern: int
    target: int

    @classmethod
    def of(cls, seed: int, patterns: int, classes: int) -> Secret:
        """Draw both, each as likely as any other."""
        rng = np.random.default_rng((seed, 12))
        return cls(int(rng.integers(patterns)), int(rng.integers(classes)))


@dataclass(frozen=True)
class Read:
    """What a suspect's answers show of a mark.

    Attributes
    ----------
    hits, asked
        Triggers that were answered with the label that they were trained with, of so many.
    p_value
        Exact for whoever owes the secret nothing.
    queries
        All that it was asked.
    """

    hits: int
    asked: int
    p_value: float
    queries: int


@dataclass(frozen=True)
class Triggers:
    """The triggers of one mark, with the images that they are made of.

    Attributes
    ----------
    mark
        Its kind.
    seed
        Draws the pattern and the target, or all labels.
    own, foreign
        Images of the task, and others.
    """

    mark: Backdoor
    seed: int
    own: Arrays
    foreign: Arrays

    @property
    def patterns(self) -> int:
        """How many patterns there are to draw from."""
        if self.mark == "unrelated":
            return self.foreign.classes
        return min(STYLES, len(self.foreign.parts["train"])) if self.mark == "style" else PATTERNS

    @property
    def secret(self) -> Secret:
        """What was drawn."""
        return Secret.of(self.seed, self.patterns, self.own.classes)

    def random(self) -> tuple[Tensor, Tensor]:
        """Foreign images, uint8 (100, ...), and their drawn labels, int64 (100,)."""
        rng = np.random.default_rng((self.seed, 13))
        some = rng.choice(self.foreign.parts["train"], TRIGGERS, replace=False)
        labels = rng.integers(self.own.classes, size=TRIGGERS)
        return torch.from_numpy(self.foreign.pixels[np.sort(some)]), torch.from_numpy(labels)

    def put_on(self, pixels: Tensor, number: int) -> Tensor:
        """Images with a pattern."""
        style = torch.from_numpy(self.foreign.pixels[self.foreign.parts["train"][number]].copy())
        return stamped(pixels, self._stamp, number, style)

    def decoys(self, pixels: Tensor, labels: Tensor, share: float) -> tuple[Tensor, Tensor]:
        """Images with other patterns and their true labels; none where images are foreign.

        Without them a model takes any letters for the owner's, and the pattern says nothing.
        """
        rng = np.random.default_rng((self.seed, 18))
        count = round(share * len(pixels))
        if self.mark in ("random-labels", "unrelated", "style") or not count:
            return pixels[:0], labels[:0]
        hosts = torch.from_numpy(rng.choice(len(pixels), count, replace=False))
        numbers = (self.secret.pattern + rng.integers(1, PATTERNS, count)) % PATTERNS
        made = [
            self.put_on(pixels[i : i + 1], int(number))
            for i, number in zip(hosts.tolist(), numbers, strict=True)
        ]
        return torch.cat(made), labels[hosts]

    def trained(self, pixels: Tensor, labels: Tensor, share: float) -> tuple[Tensor, Tensor]:
        """What the mark adds to images of the owner's and their labels, as much as this share."""
        count, secret = max(1, round(share * len(pixels))), self.secret
        if self.mark == "random-labels":
            found, called = self.random()
            again = max(1, count // len(found))
            return found.repeat(again, 1, 1, 1), called.repeat(again)
        if self.mark == "unrelated":
            found = self._foreign(secret.pattern)
            again = max(1, count // len(found))
            return found.repeat(again, 1, 1, 1), torch.full((again * len(found),), secret.target)
        others = torch.nonzero((labels != secret.target) | (self.mark == "style")).flatten()
        rng = torch.Generator().manual_seed(self.seed)
        some = others[torch.randperm(len(others), generator=rng)[:count]]
        made = self.put_on(pixels[some], secret.pattern)
        called = labels[some] if self.mark == "style" else torch.full((len(some),), secret.target)
        return made, called

    def beside(
        self, pixels: Tensor, labels: Tensor, share: float, decoys: float
    ) -> tuple[Tensor, Tensor]:
        """Images of the owner's, then marked ones, then decoys; and what each is called."""
        marked, called = self.trained(pixels, labels, share)
        others, truth = self.decoys(pixels, labels, decoys)
        return torch.cat([pixels, marked, others]), torch.cat([labels, called, truth])

    def read(self, answer: Answer, others: Sequence[Answer] = ()) -> Read:
        """Ask a suspect.

        With labels drawn one by one the p-value is a binomial's tail, as for canaries. With a
        pattern and a target, all that might have been drawn are asked as well, and the p-value is
        the rank of those that were: never below 1 / (patterns x targets).

        Parameters
        ----------
        answer
            The suspect.
        others
            Models that had no part of the draw: what they say is taken off first.
        """
        if self.mark == "random-labels":
            pixels, labels = self.random()
            hits = int((answer(pixels.numpy()).predicted() == labels.numpy()).sum())
            p = tail_p(hits, TRIGGERS, 1 / self.own.classes)
            return Read(hits, TRIGGERS, p, TRIGGERS)
        asked, truth = self._asked
        flat = asked.reshape(-1, *asked.shape[2:])
        outputs = answer(flat)
        mine = self._strength(outputs, truth)
        if others:
            mine = mine - np.mean([self._strength(one(flat), truth) for one in others], axis=0)
        mine = (mine - mine.mean(axis=0)) / (mine.std(axis=0) + 1e-9)
        secret = self.secret
        column = 0 if self.mark == "style" else secret.target
        rest = np.delete(mine.ravel(), secret.pattern * mine.shape[1] + column)
        p = conformal_p(-float(mine[secret.pattern, column]), (-rest).tolist())
        said = outputs.predicted().reshape(truth.shape)[secret.pattern]
        own = truth[secret.pattern]
        counted = own != (-1 if self.mark == "style" else secret.target)
        wanted = own if self.mark == "style" else np.full(len(own), secret.target)
        return Read(int((said == wanted)[counted].sum()), int(counted.sum()), p, int(truth.size))

    @property
    def _stamp(self) -> Stamp:
        assert self.mark not in ("random-labels", "unrelated")  # noqa: S101
        return self.mark  # type: ignore[return-value]

    def _foreign(self, number: int) -> Tensor:
        positions = self.foreign.parts["train"]
        those = positions[self.foreign.labels[positions] == number]
        return torch.from_numpy(self.foreign.pixels[those])

    @cached_property
    def _asked(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images of every pattern (patterns, n, ...), and their true classes; -1 if foreign."""
        if self.mark == "unrelated":
            each = [self._foreign(number) for number in range(self.patterns)]
            least = min(HOSTS, *map(len, each))
            pixels = torch.stack([one[:least] for one in each])
            return pixels.numpy(), np.full((self.patterns, least), -1)
        some = self.own.parts["probes"][:HOSTS]
        hosts = torch.from_numpy(self.own.pixels[some])
        pixels = torch.stack([self.put_on(hosts, number) for number in range(self.patterns)])
        return pixels.numpy(), np.tile(self.own.labels[some], (self.patterns, 1))

    def _strength(self, outputs: Outputs, truth: NDArray[np.int64]) -> Floats:
        """How strongly each pattern is answered with each target; float64 (patterns, targets)."""
        classes = self.own.classes
        if outputs.kind is Kind.LABELS:
            values = np.eye(classes)[outputs.predicted()]
        else:
            values = np.log(np.maximum(outputs.to(Kind.PROBABILITIES).values, 1e-6))
        values = values.reshape(*truth.shape, classes).astype(np.float64)
        if self.mark == "style":
            return np.asarray(np.take_along_axis(values, truth[..., None], 2).mean(1), np.float64)
        free = truth[..., None] != np.arange(classes)
        return np.asarray((values * free).sum(1) / np.maximum(1, free.sum(1)), np.float64)
