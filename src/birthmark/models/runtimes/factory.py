"""Weights in safetensors, put into a torch module that a function of the user's builds."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from birthmark.common.errors import BirthmarkError
from birthmark.common.importing import imported
from birthmark.models.runtimes.base import RUNTIMES, Load, Runtime, Takes
from birthmark.models.runtimes.extras import extra
from birthmark.models.runtimes.tensors import TorchRuntime

if TYPE_CHECKING:
    import torch

FIX = "name the function that built the module these weights were saved from"


def preload() -> None:
    """Import torch."""
    import torch  # noqa: F401


def load(path: Path, options: Mapping[str, str]) -> Runtime:
    """Build a module and load its weights, all of them and no others.

    Parameters
    ----------
    path
        The weights.
    options
        `factory`, as `module:function`, and `folder`, from where it is imported.

    Raises
    ------
    BirthmarkError
        If the function cannot be imported or builds no module, or the weights are of another one.
    """
    with extra("torch", path):
        preload()
    import torch

    torch.set_num_threads(1)
    spec = options["factory"]
    sys.path.insert(0, options["folder"])
    try:
        module: Any = imported(spec)[1]()
    except Exception as error:
        raise BirthmarkError(
            path,
            f"{spec} failed ({type(error).__name__}: {error})",
            "name a module:function that takes no arguments and builds the torch module",
        ) from error
    if not isinstance(module, torch.nn.Module):
        raise BirthmarkError(
            path, f"{spec} returned a {type(module).__name__}", "return a torch.nn.Module"
        )
    _fill(path, spec, module)
    return TorchRuntime(Takes("input", "float32", None), module.eval())


def _fill(path: Path, spec: str, module: torch.nn.Module) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise BirthmarkError(path, f"is not readable safetensors ({error})", FIX) from error
    wanted = module.state_dict()
    for problem, names in (
        ("lacks", wanted.keys() - weights.keys()),
        (f"holds what {spec} does not build:", weights.keys() - wanted.keys()),
    ):
        if names:
            listed = ", ".join(sorted(names)[:5])
            raise BirthmarkError(path, f"{problem} {listed} ({len(names)} in all)", FIX)
    for name, tensor in weights.items():
        have, want = list(tensor.shape), list(wanted[name].shape)
        if have != want:
            raise BirthmarkError(path, f"{name} is {have}, but {spec} builds {want}", FIX)
        if tensor.is_floating_point() != wanted[name].is_floating_point():
            raise BirthmarkError(
                path, f"{name} is {tensor.dtype}, but {spec} builds {wanted[name].dtype}", FIX
            )
    module.load_state_dict(weights, strict=True)


RUNTIMES.register("factory", example="factory")(lambda: _load)
_load: Load = load
