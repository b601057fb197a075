"""The training loop that everything shares that is trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn

from birthmark.training.augment import Augment
from birthmark.training.inputs import scaled
from birthmark.training.nets.head import before_head, head
from birthmark.training.objectives import Loss


def fit(
    model: nn.Module,
    pixels: Tensor,
    loss: Loss,
    *,
    epochs: float,
    rate: float,
    batch: int,
    decay: float,
    seed: int,
    augment: Augment,
    extra: Iterable[nn.Parameter] = (),
    after: Callable[[], None] = lambda: None,
    optimiser: str = "sgd",
    device: str = "cpu",
    replays: int = 1,
) -> None:
    """Train with a one-cycle rate; leave the model in evaluation mode.

    Parameters
    ----------
    pixels
        uint8 (n, channels, size, size).
    loss
        What is made small.
    epochs
        Passes over the images; a fraction stops within a pass, after one step at least.
    rate, batch, decay
        Peak learning rate, images a step, weight decay.
    augment
        Changes a batch of pixels by chance.
    extra
        Further parameters of the loss.
    after
        Called after every step, to keep weights at zero that have been pruned.
    optimiser
        `sgd` with momentum .9, or `adamw`.
    device
        Where the model is, and `extra`; images are brought there batch by batch.
    replays
        How often each batch is shown in a row; all count towards the epochs.
    """
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    rng = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    steps = max(1, round(epochs * math.ceil(len(pixels) / batch)))
    parameters = [p for p in model.parameters() if p.requires_grad] + list(extra)
    steps_by = (
        torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
        if optimiser == "adamw"
        else _sgd(parameters, rate, decay)
    )
    rates = _one_cycle(steps_by, steps)
    model.train()
    shown = _batches(len(pixels), batch, math.ceil(steps / replays), rng)
    for step in range(steps):
        if step % replays == 0:
            positions = next(shown)
            inputs = scaled(augment(pixels[positions], rng)).to(device)
        value = loss(model, inputs, positions.to(device))
        steps_by.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        steps_by.step()
        rates.step()
        after()
    model.eval()


def fit_head(
    model: nn.Module,
    pixels: Tensor,
    loss: Loss,
    *,
    epochs: float,
    rate: float,
    batch: int,
    seed: int,
    extra: Iterable[nn.Parameter] = (),
) -> None:
    """As `fit`, but only the last layer learns; the rest is run once, on images as they are."""
    features = before_head(model, scaled(pixels))
    rng = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    layer = head(model)
    steps = max(1, round(epochs * math.ceil(len(pixels) / batch)))
    optimiser = _sgd([*layer.parameters(), *extra], rate, 1e-4)
    rates = _one_cycle(optimiser, steps)
    for positions in _batches(len(pixels), batch, steps, rng):
        value = loss(layer, features[positions], positions)
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        rates.step()
    model.eval()


def _sgd(parameters: list[nn.Parameter], rate: float, decay: float) -> torch.optim.SGD:
    return torch.optim.SGD(parameters, lr=rate, momentum=0.9, weight_decay=decay, nesterov=True)


def _one_cycle(
    optimiser: torch.optim.Optimizer, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    rising = max(1, steps // 5)

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return 0.5 * (1 + math.cos(math.pi * min(1, (step - rising) / max(1, steps - rising))))

    return torch.optim.lr_scheduler.LambdaLR(optimiser, factor)


def _batches(n: int, size: int, steps: int, rng: torch.Generator) -> Iterator[Tensor]:
    """Batches of nearly equal size, so that none is too small for batch norm."""
    done = 0
    while done < steps:
        for positions in torch.randperm(n, generator=rng).tensor_split(math.ceil(n / size)):
            if done < steps:
                yield positions
            done += 1
