"""Weights in Keras 3 archives (`.keras`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from birthmark.models.runtimes.base import Runtime
from birthmark.models.runtimes.keras import opened, preload
from birthmark.models.weights.tensors import Served, from_keras

__all__ = ["load", "preload"]


def load(path: Path, options: Mapping[str, str]) -> Runtime:  # noqa: ARG001
    """Read it, as the adapter that runs it does."""
    return Served(
        tensor
        for weight in opened(path).trainable_weights
        if len(weight.shape) >= 2
        for tensor in from_keras(weight.path, np.asarray(weight.value.detach().cpu()))
    )
