"""What training makes small."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""From a model, its float32 inputs and their int64 positions among the images to one number."""

MarginKind = Literal["cosface", "arcface"]


class Margin(nn.Module):
    """A classifier of people on the unit sphere with a margin, left away after training.

    Source: CosFace (Wang et al. 2018), ArcFace (Deng et al. 2019).

    Parameters
    ----------
    width, people
        Numbers an embedding, people to tell apart.
    kind
        `cosface` takes the margin off the cosine, `arcface` adds it to the angle.
    margin, scale
        The papers' m and s, smaller here since the sets are.
    """

    def __init__(
        self, width: int, people: int, kind: MarginKind, margin: float = 0.1, scale: float = 16.0
    ) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.randn(people, width))
        self.kind, self.margin, self.scale = kind, margin, scale

    def forward(self, embeddings: Tensor, people: Tensor, margin: bool = True) -> Tensor:
        """Mean loss over (n, width) embeddings of int64 (n,) people."""
        cosines = F.normalize(embeddings) @ F.normalize(self.centres).T
        if margin:
            right = cosines.gather(1, people[:, None])
            if self.kind == "cosface":
                right = right - self.margin
            else:
                right = (right.clamp(-1 + 1e-6, 1 - 1e-6).acos() + self.margin).cos()
            cosines = cosines.scatter(1, people[:, None], right)
        return F.cross_entropy(self.scale * cosines, people)


def centred(logits: Tensor) -> Tensor:
    """Rows of float32 (n, classes), of mean 0 and length 1."""
    return F.normalize(logits - logits.mean(1, keepdim=True))


def of_labels(labels: Tensor, smoothing: float = 0.0) -> Loss:
    """Cross-entropy with int64 (n,) labels, smoothed by so much."""

    def loss(model: nn.Module, inputs: Tensor, positions: Tensor) -> Tensor:
        return F.cross_entropy(model(inputs), labels[positions], label_smoothing=smoothing)

    return loss


def of_people(people: Tensor, margin: Margin) -> Loss:
    """Margin loss with int64 (n,) people."""

    def loss(model: nn.Module, inputs: Tensor, positions: Tensor) -> Tensor:
        value: Tensor = margin(model(inputs), people[positions])
        return value

    return loss


def of_probabilities(logs: Tensor, temperature: float, weight: float) -> Loss:
    """Distillation (Hinton et al. 2015) from a teacher's log-probabilities (n, classes).

    `weight` times the Kullback-Leibler divergence at the temperature, and the rest
    cross-entropy with the teacher's labels.
    """
    soft, hard = (logs / temperature).softmax(1), logs.argmax(1)

    def loss(model: nn.Module, inputs: Tensor, positions: Tensor) -> Tensor:
        said = model(inputs)
        far = F.kl_div((said / temperature).log_softmax(1), soft[positions], reduction="batchmean")
        return weight * temperature**2 * far + (1 - weight) * F.cross_entropy(said, hard[positions])

    return loss


def of_similarities(embeddings: Tensor, sharpness: float = 10.0) -> Loss:
    """The cosine similarities among a batch's images are to be those of (n, width) embeddings."""
    wanted = F.normalize(embeddings)

    def loss(model: nn.Module, inputs: Tensor, positions: Tensor) -> Tensor:
        mine, theirs = F.normalize(model(inputs)), wanted[positions]
        return sharpness * F.mse_loss(mine @ mine.T, theirs @ theirs.T)

    return loss


def with_more(plain: Loss, more: Callable[[Tensor, Tensor], Tensor]) -> Loss:
    """What an objective makes small, and something else of the same answers, asked for once.

    Parameters
    ----------
    plain
        An objective that asks the model once.
    more
        From the model's answers (n, width) and the positions to a number that is added.
    """

    def loss(model: nn.Module, inputs: Tensor, positions: Tensor) -> Tensor:
        held: list[Tensor] = []

        def once(given: Tensor) -> Tensor:
            held.append(model(given))
            return held[0]

        value = plain(once, inputs, positions)  # type: ignore[arg-type]
        return value + more(held[0], positions)

    return loss


def of_embeddings(embeddings: Tensor, sharpness: float = 10.0) -> Loss:
    """Embeddings are to point where (n, width) embeddings do."""
    wanted = F.normalize(embeddings)

    def loss(model: nn.Module, inputs: Tensor, positions: Tensor) -> Tensor:
        return sharpness * (1 - (F.normalize(model(inputs)) * wanted[positions]).sum(1).mean())

    return loss


def soft_nearest_neighbours(features: Tensor, groups: Tensor, temperature: float) -> Tensor:
    """How well neighbours tell the groups of float32 (n, ...) features apart; int64 (n,) groups.

    Mean of -log of the share of its own group among an item's neighbours, weighted by
    exp(-distance^2 / temperature): 0 where groups lie apart, log 2 or more where two are mixed.

    Source: the soft nearest neighbour loss (Frosst et al., ICML 2019, equation 1), with the
    temperature in units of the mean squared distance, so that it suits layers of any width.
    """
    flat = features.flatten(1)
    squares = (flat * flat).sum(1)
    distances = (squares[:, None] + squares - 2 * flat @ flat.T).clamp(min=0)
    nearness = -distances / (temperature * distances.detach().mean() + 1e-12)
    nearness = nearness.masked_fill(torch.eye(len(flat), dtype=torch.bool), -math.inf)
    same = groups[:, None] == groups
    own = nearness.masked_fill(~same, -math.inf).logsumexp(1)
    return (nearness.logsumexp(1) - own).mean()
