"""Weights in archives of `torch.export` (`.pt2`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from birthmark.models.runtimes.base import Runtime
from birthmark.models.runtimes.torch_export import opened, preload
from birthmark.models.weights.tensors import Served, from_torch

__all__ = ["load", "preload"]


def load(path: Path, options: Mapping[str, str]) -> Runtime:  # noqa: ARG001
    """Read it, as the adapter that runs it does."""
    state = opened(path).state_dict
    return Served(
        tensor
        for name, values in state.items()
        if values.ndim >= 2
        for tensor in from_torch(name, values.detach().float().numpy())
    )
