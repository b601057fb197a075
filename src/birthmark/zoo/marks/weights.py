"""Marks in weights: what a secret key reads from a layer, and how unlikely that is by chance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import scipy
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from birthmark.witnesses.shuffled.chance import tail_p

WeightMark = Literal["uchida", "deepmarks", "passport"]
BITS = 64
"""Bits of Uchida's mark."""
PLANE = (1, 5, 11, 24, 25, 27)
"""A difference set modulo 31: its shifts are the blocks of a (31, 6, 1) design."""
USERS = 31
PASSPORT = 0.1
"""Deviation of a passport's numbers; with 1 the scales learn too fast, and training fails."""


@dataclass(frozen=True)
class Left:
    """What is left of a mark.

    Attributes
    ----------
    right
        Share of bits that are right, or the cosine of what is read with what was written.
    p_value
        Exact for weights that owe the key nothing; 1 where no layer has the form.
    user
        Whether the owner's is the best of all users' codes; None where there are no users.
    """

    right: float
    p_value: float
    user: bool | None = None


def layer(model: nn.Module) -> nn.Conv2d:
    """The layer that carries a mark: the last convolution over all channels."""
    plain = [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.groups == 1]
    return plain[-1]


@dataclass(frozen=True)
class Key:
    """An owner's key for a layer of one shape (outputs, inputs, height, width)."""

    mark: WeightMark
    seed: int
    shape: tuple[int, ...]

    @cached_property
    def matrix(self) -> Tensor:
        """Gaussian projections, float32 (numbers, inputs of a unit); of a passport one only."""
        rows = {"uchida": BITS, "deepmarks": USERS, "passport": 1}[self.mark]
        width = int(np.prod(self.shape[1:]))
        rng = np.random.default_rng((self.seed, 14))
        size = PASSPORT if self.mark == "passport" else 1.0
        return torch.from_numpy(size * rng.standard_normal((rows, width), np.float32))

    @cached_property
    def bits(self) -> Tensor:
        """Signs that are written, float32: +-1."""
        count = self.shape[0] if self.mark == "passport" else BITS
        rng = np.random.default_rng((self.seed, 15))
        return torch.from_numpy(rng.choice([-1.0, 1.0], count).astype(np.float32))

    @cached_property
    def codes(self) -> Tensor:
        """Of each user what is written for them, float32 (31, 31), of length 1."""
        rng = np.random.default_rng((self.seed, 16))
        basis, _ = np.linalg.qr(rng.standard_normal((USERS, USERS)))
        blocks = np.full((USERS, USERS), -1.0)
        for user in range(USERS):
            blocks[user, (np.array(PLANE) + user) % USERS] = 1.0
        return torch.from_numpy((blocks @ basis.T / np.sqrt(USERS)).astype(np.float32))

    @property
    def user(self) -> int:
        """Who got this copy."""
        return int(np.random.default_rng((self.seed, 17)).integers(USERS))

    def numbers(self, weight: Tensor) -> Tensor:
        """What the key reads: of a passport a number a unit, else projections of the mean unit."""
        flat = weight.flatten(1)
        return flat @ self.matrix[0] if self.mark == "passport" else self.matrix @ flat.mean(0)

    def missing(self, weight: Tensor) -> Tensor:
        """How far a layer is from carrying the mark, differentiable."""
        read = self.numbers(weight)
        if self.mark == "uchida":
            return F.binary_cross_entropy_with_logits(read, (self.bits + 1) / 2)
        if self.mark == "deepmarks":
            return F.mse_loss(read, self.codes[self.user] * USERS**0.5)
        return F.relu(0.1 - self.bits * read).mean()

    @torch.no_grad()
    def left(self, model: nn.Module) -> Left:
        """What is left of the mark in a model."""
        weight = layer(model).weight
        if tuple(weight.shape) != self.shape:
            return Left(0.0, 1.0)
        read = self.numbers(weight)
        if self.mark == "deepmarks":
            cosines = F.cosine_similarity(read[None], self.codes)
            mine = float(cosines[self.user])
            freedom = USERS - 1
            t = mine * np.sqrt(freedom / max(1e-12, 1 - mine**2))
            best = int(cosines.argmax()) == self.user
            return Left(mine, float(scipy.stats.t.sf(t, freedom)), best)
        right = int((read.sign() == self.bits).sum())
        return Left(right / len(self.bits), tail_p(right, len(self.bits), 0.5))
