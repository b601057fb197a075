"""The protocol of every runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.common.registry import Registry


@dataclass(frozen=True)
class Takes:
    """What a model takes, as far as its file tells.

    Attributes
    ----------
    name
        The input's name.
    dtype
        numpy's name of its numbers, such as float32.
    shape
        Its axes, the batch first; None for one of any length. None if the file does not tell.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None


class RunError(BirthmarkError):
    """A model failed on a batch, within its limits: on fewer images it may not."""


class Runtime(Protocol):
    """A loaded model."""

    @property
    def takes(self) -> Takes:
        """What it takes."""
        ...

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Its first output for a batch, as the model gave it."""
        ...


Load = Callable[[Path, Mapping[str, str]], Runtime]
"""From a file or folder, and options that only this runtime knows, to a loaded model.

It raises `BirthmarkError` for what a user can mend; any other exception is told as "is not a
readable ... model"."""

RUNTIMES: Registry[Load] = Registry("runtime", "birthmark.models.runtimes")
"""By name: `onnx`, `torchscript`, `torch-export`, `keras` ... (no parameters)."""


def preloading(name: str) -> Callable[[], None] | None:
    """The function `preload` of the module of a runtime, or of `module:function`, if there is one.

    It imports what the runtime needs, so that processes forked later start at once. It leaves no
    threads that a model would wait for.
    """
    module = name.partition(":")[0]
    if module == name:
        plugin = next(one for one in RUNTIMES.plugins() if one.pattern.fullmatch(name))
        module = plugin.make.__module__
    found: Callable[[], None] | None = getattr(import_module(module), "preload", None)
    return found
