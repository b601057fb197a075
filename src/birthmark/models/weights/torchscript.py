"""Weights in TorchScript archives: parameters, and constants of frozen modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from birthmark.models.runtimes.base import Runtime
from birthmark.models.runtimes.torchscript import opened, preload
from birthmark.models.weights.tensors import Served, Tensor, from_torch

__all__ = ["load", "preload"]


def load(path: Path, options: Mapping[str, str]) -> Runtime:  # noqa: ARG001
    """Read it, as the adapter that runs it does."""
    return Served(_tensors(opened(path)))


def _tensors(module: Any) -> Iterator[Tensor]:
    import torch

    held = dict(module.named_parameters())
    if not held:
        graph = module.inlined_graph
        constants = (
            node.output().toIValue()
            for node in graph.findAllNodes("prim::Constant")
            if node.output().type().kind() == "TensorType"
        )
        held = {f"constant {i}": one for i, one in enumerate(constants)}
    for name, values in held.items():
        if isinstance(values, torch.Tensor) and values.ndim >= 2:
            yield from from_torch(name, values.detach().float().numpy())
