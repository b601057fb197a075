"""The last linear layer of a network: its classifier, or what makes its embeddings."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from birthmark.errors import BirthmarkError


def head(model: nn.Module) -> nn.Linear:
    """The last linear layer.

    Raises
    ------
    BirthmarkError
        If there is none.
    """
    return _found(model)[1]


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


def _found(model: nn.Module) -> tuple[str, nn.Linear]:
    layers = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear)]
    if not layers:
        raise BirthmarkError(
            type(model).__name__, "has no linear layer", "use a network that ends in nn.Linear"
        )
    return layers[-1]
