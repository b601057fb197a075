"""The last linear layer of a network: its classifier, or what makes its embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from birthmark.common.errors import BirthmarkError


def head(model: nn.Module) -> nn.Linear:
    """The last linear layer.

    Raises
    ------
    BirthmarkError
        If there is none.
    """
    return _found(model)[1]


def head_name(model: nn.Module) -> str:
    """The last linear layer's name within the model; empty if it is the model.

    Raises
    ------
    BirthmarkError
        If there is none.
    """
    return _found(model)[0]


def replace_head(model: nn.Module, outputs: int) -> None:
    """Put a fresh last layer in place."""
    name, old = _found(model)
    owner, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(owner), attribute, nn.Linear(old.in_features, outputs))


@torch.no_grad()
def before_head(model: nn.Module, inputs: Tensor, batch: int = 256) -> Tensor:
    """What the last layer is given for each of the inputs, in evaluation mode."""
    seen: list[Tensor] = []

    def keep(_: nn.Module, given: tuple[Any, ...]) -> None:
        seen.append(given[0].clone())

    hook = head(model).register_forward_pre_hook(keep)
    model.eval()
    try:
        for part in torch.split(inputs, batch):
            model(part)
    finally:
        hook.remove()
    return torch.cat(seen)


@contextmanager
def before_last(model: nn.Module) -> Iterator[list[Tensor]]:
    """What the layers before the last give in the runs within, in their order.

    They are the model's own parts that learn, without the one that holds the last layer, and what
    the last layer is given.
    """
    seen: list[Tensor] = []

    def given(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        seen.append(inputs[0])

    def gave(_: nn.Module, __: tuple[Any, ...], output: Tensor) -> None:
        seen.append(output)

    last = head(model)
    learning = [part for part in model.children() if next(part.parameters(), None) is not None]
    parts = [part for part in learning if last not in part.modules()]
    hooks = [part.register_forward_hook(gave) for part in parts]
    hooks.append(last.register_forward_pre_hook(given))
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _found(model: nn.Module) -> tuple[str, nn.Linear]:
    layers = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear)]
    if not layers:
        raise BirthmarkError(
            type(model).__name__, "has no linear layer", "use a network that ends in nn.Linear"
        )
    return layers[-1]
