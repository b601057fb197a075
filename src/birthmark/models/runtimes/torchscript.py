"""TorchScript archives, run by torch on the CPU."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from birthmark.common.errors import BirthmarkError
from birthmark.models.runtimes.archives import members, rewritten
from birthmark.models.runtimes.base import RUNTIMES, Load, Runtime, Takes
from birthmark.models.runtimes.extras import extra
from birthmark.models.runtimes.tensors import TorchRuntime, as_axes, numpy_name

AGAIN = "write it again with torch.jit.save"
FILES = re.compile(rb"\b(save|from_file)\b")
"""The operators by which TorchScript writes and maps files."""
CLASSES = re.compile(rb"\btorch\s*\.\s*classes\s*\.\s*(?!quantized\b)\w+")
SPACES = re.compile(rb"\bops\s*\.\s*(?!(?:aten|prim|prims|quantized)\b)\w+")


def preload() -> None:
    """Import torch."""
    import torch  # noqa: F401


def opened(path: Path) -> Any:
    """The module in an archive of `torch.jit.save`, on the CPU, in evaluation mode.

    Raises
    ------
    BirthmarkError
        If it is none, or its code reaches for files or for operators that torch does not bring.
    """
    contents = members(path, AGAIN)
    if not any(name.endswith("constants.pkl") for name in contents):
        raise BirthmarkError(path, "is not a TorchScript archive", AGAIN)
    for name, code in contents.items():
        if name.endswith(".py"):
            _require_harmless(path, name, code)
    with extra("torch", path):
        preload()
    import torch

    torch.set_num_threads(1)
    module: Any = torch.jit.load(rewritten(contents), map_location="cpu")  # type: ignore[no-untyped-call]
    return module.eval()


def load(path: Path, options: Mapping[str, str]) -> Runtime:  # noqa: ARG001
    """Load an archive of `torch.jit.save`.

    Raises
    ------
    BirthmarkError
        As `opened`, or if it takes more than one tensor.
    """
    module = opened(path)
    import torch

    inputs = list(module.graph.inputs())[1:]
    needed = [i for i in inputs if isinstance(i.type(), torch.TensorType)]
    if len(needed) != 1:
        names = ", ".join(i.debugName() for i in needed) or "none"
        raise BirthmarkError(
            path, f"its tensor inputs are {names}", "save one with one image input"
        )
    sizes, dtype = needed[0].type().sizes(), needed[0].type().dtype()
    takes = Takes(
        needed[0].debugName(),
        numpy_name(dtype or torch.float32),
        None if sizes is None else as_axes(sizes),
    )
    return TorchRuntime(takes, module)


def _require_harmless(path: Path, name: str, code: bytes) -> None:
    for pattern, what in (
        (FILES, "an operator that reaches files"),
        (CLASSES, "a class of a library"),
        (SPACES, "an operator of a library"),
    ):
        if found := pattern.search(code):
            word = found.group().decode(errors="replace")
            raise BirthmarkError(path, f"{name} uses {word}, {what}", "save a module without it")


RUNTIMES.register("torchscript", example="torchscript")(lambda: _load)
_load: Load = load
