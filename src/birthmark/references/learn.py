"""Training one reference until it is about as good as the victim."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from birthmark.common.errors import BirthmarkError
from birthmark.references.recipe import Recipe
from birthmark.training.augment import AUGMENTS
from birthmark.training.inputs import answers
from birthmark.training.loop import fit, fit_head
from birthmark.training.objectives import Loss, Margin, of_embeddings, of_people, of_probabilities

ROUNDS = 3
"""A model that stays below the victim is trained so many times by its recipe, at most."""
GAIN = 0.01
"""And no more if a round brought less."""
TRIES = 3
"""A training that diverges is begun anew at half the rate, so many times in all."""
TEMPERATURE, SHARE = 4.0, 0.9
"""A student's (Hinton et al. 2015)."""
CLOSE = 0.02
"""About as good: so much below, or two standard errors."""


class Images(NamedTuple):
    """What a reference learns from and is checked on.

    Attributes
    ----------
    train, labels
        uint8 (n, channels, size, size); int64 (n,), numbered from 0.
    check, truth
        The same of images that it does not learn from.
    """

    train: Tensor
    labels: Tensor
    check: Tensor
    truth: Tensor


class Learnt(NamedTuple):
    """A trained network.

    Attributes
    ----------
    net
        In evaluation mode, on the CPU.
    accuracy
        On the checked images.
    rounds
        How many times it went through its recipe.
    short_by
        How far it stayed below what was asked for, at least 0.
    """

    net: nn.Module
    accuracy: float
    rounds: int
    short_by: float


def learn(
    make: Callable[[], nn.Module],
    images: Images,
    recipe: Recipe,
    *,
    name: str,
    seed: int,
    verification: bool,
    target: float | None,
    taught: Tensor | None = None,
    device: str = "cpu",
    said: Callable[[str], None] = lambda _: None,
) -> Learnt:
    """Train a network by its recipe, once more while it is clearly worse than the victim.

    Parameters
    ----------
    make
        Makes it at its start.
    images
        To learn from and to check on.
    recipe, seed
        How.
    name
        How messages call it.
    verification
        Whether it is to answer with embeddings that tell people apart.
    target
        The victim's accuracy on the checked images; None for one round.
    taught
        A teacher's answers to the images to learn from, (n, outputs): logits or embeddings.
    device
        Where it is trained: `cpu`, `cuda`.
    said
        Is told in a sentence of what a person should know.

    Raises
    ------
    BirthmarkError
        If it learns nothing at any rate that is tried.
    """
    chance = 0.5 if verification else _chance(images.truth)
    for attempt in range(TRIES):
        rate = recipe.rate / 2**attempt
        torch.manual_seed(seed)
        net = make().to(device)
        loss, extra = _objective(net, images, recipe, verification, taught, seed, device)
        if recipe.layers == "last":
            net.to("cpu")
        enough = 0.0 if target is None else target - _close(target, images)
        right = 0.0
        for rounds in range(1, ROUNDS + 1):
            before = right
            _train(net, images, loss, extra, recipe, rate / rounds, seed + rounds, device)
            right = accuracy(net, images, verification=verification, device=device)
            if not right or right >= enough or chance < right < before + GAIN:
                break
        if right > chance:
            short = 0.0 if target is None or right >= enough else target - right
            return Learnt(net.to("cpu").eval(), right, rounds, short)
        if attempt + 1 < TRIES:
            said(f"{name} learnt nothing at a learning rate of {rate:g}; trying {rate / 2:g}.")
    raise BirthmarkError(
        name,
        f"learns nothing: {right:.3f} on unseen images in {rounds}"
        f" round{'' if rounds == 1 else 's'}, even at a rate of {rate:g}",
        "change the recipe or the factory, or check the images' labels",
    )


def accuracy(net: nn.Module, images: Images, *, verification: bool, device: str = "cpu") -> float:
    """On the checked images: share of right labels, or AUC of same against different people.

    0 where answers are no numbers any more.
    """
    said = answers(net, images.check, device=device)
    if not torch.isfinite(said).all():
        return 0.0
    if not verification:
        return float((said.argmax(1) == images.truth).float().mean())
    return told_apart(said.numpy(), images.truth.numpy())


def told_apart(
    embeddings: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    people: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> float:
    """AUC of the cosine similarity of same against different people, over all pairs, 0 to 1."""
    from sklearn.metrics import roc_auc_score

    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    first, second = np.triu_indices(len(unit), 1)
    return float(roc_auc_score(people[first] == people[second], (unit @ unit.T)[first, second]))


def _train(
    net: nn.Module,
    images: Images,
    loss: Loss,
    extra: Sequence[nn.Parameter],
    recipe: Recipe,
    rate: float,
    seed: int,
    device: str,
) -> None:
    if recipe.layers == "last":
        fit_head(
            net,
            images.train,
            loss,
            epochs=recipe.epochs,
            rate=rate,
            batch=recipe.batch,
            seed=seed,
            extra=extra,
        )
        return
    fit(
        net,
        images.train,
        loss,
        epochs=recipe.epochs,
        rate=rate,
        batch=recipe.batch,
        decay=recipe.decay,
        seed=seed,
        augment=AUGMENTS[recipe.augment],
        extra=extra,
        optimiser=recipe.optimiser,
        device=device,
    )


def _objective(
    net: nn.Module,
    images: Images,
    recipe: Recipe,
    verification: bool,
    taught: Tensor | None,
    seed: int,
    device: str,
) -> tuple[Loss, Sequence[nn.Parameter]]:
    if taught is not None:
        taught = taught.to(device)
        if verification:
            return of_embeddings(taught), []
        return of_probabilities(taught.log_softmax(1), TEMPERATURE, SHARE), []
    labels = images.labels.to(device)
    if verification:
        torch.manual_seed(seed)
        width = answers(net, images.check[:2], device=device).shape[1]
        margin = Margin(width, int(images.labels.max()) + 1, "cosface").to(device)
        return of_people(labels, margin), list(margin.parameters())

    def loss(model: nn.Module, inputs: Tensor, positions: Tensor) -> Tensor:
        return F.cross_entropy(model(inputs), labels[positions], label_smoothing=recipe.smoothing)

    return loss, []


def _chance(truth: Tensor) -> float:
    """What a constant answer gets, and three standard errors."""
    share = float(torch.bincount(truth).max()) / len(truth)
    return share + 3 * math.sqrt(share * (1 - share) / len(truth))


def _close(target: float, images: Images) -> float:
    return max(CLOSE, 2 * math.sqrt(max(target * (1 - target), 1e-4) / len(images.truth)))
