"""Archives of `torch.export` (`.pt2`), run by torch on the CPU."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from birthmark.common.errors import BirthmarkError
from birthmark.models.runtimes.base import RUNTIMES, Load, Runtime, Takes
from birthmark.models.runtimes.exported import AGAIN, cleaned
from birthmark.models.runtimes.extras import extra
from birthmark.models.runtimes.tensors import TorchRuntime, as_axes, numpy_name

if TYPE_CHECKING:
    import torch


def preload() -> None:
    """Import torch, and what `torch.export.load` imports only when it is called."""
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    import torch._export.serde.serialize
    import torch._inductor.cpp_builder
    import torch.export.pt2_archive  # noqa: F401


def opened(path: Path) -> torch.export.ExportedProgram:
    """The program in an archive of `torch.export.save`, once all that could run is refused.

    Raises
    ------
    BirthmarkError
        If it is none, or holds a pickle, compiled code or anything but operators of torch.
    """
    archive = cleaned(path)
    with extra("torch", path):
        preload()
    import torch

    torch.set_num_threads(1)
    return torch.export.load(archive)


def load(path: Path, options: Mapping[str, str]) -> Runtime:  # noqa: ARG001
    """Load an archive of `torch.export.save`.

    Raises
    ------
    BirthmarkError
        As `opened`, or if it takes more than one input.
    """
    program = opened(path)
    inputs = program.graph_signature.user_inputs
    if len(inputs) != 1:
        names = ", ".join(map(str, inputs)) or "none"
        raise BirthmarkError(path, f"its inputs are {names}", f"{AGAIN}, with one image input")
    (node,) = (node for node in program.graph.nodes if node.name == inputs[0])
    value = node.meta["val"]
    takes = Takes(node.name, numpy_name(value.dtype), as_axes(value.shape))
    return TorchRuntime(takes, program.module(check_guards=False))


RUNTIMES.register("torch-export", example="torch-export")(lambda: _load)
_load: Load = load
