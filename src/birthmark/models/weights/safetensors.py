"""Weights in safetensors: a file, or all files of a repository."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from birthmark.models.runtimes.base import Runtime
from birthmark.models.weights.tensors import Served, Tensor, from_torch


def load(path: Path, options: Mapping[str, str]) -> Runtime:  # noqa: ARG001
    """Read it, or the files beside a repository's config.json, in the names' natural order."""
    files = sorted(path.parent.glob("*.safetensors")) if path.suffix == ".json" else [path]
    return Served(_tensors(files))


def _tensors(files: list[Path]) -> Iterator[Tensor]:
    from safetensors import safe_open

    for file in files:
        try:
            with safe_open(file, "numpy") as opened:
                for name in sorted(opened.keys(), key=natural):
                    if len(opened.get_slice(name).get_shape()) >= 2:
                        yield from from_torch(name, opened.get_tensor(name))
        except TypeError:
            yield from _by_torch(file)


def _by_torch(file: Path) -> Iterator[Tensor]:
    """For dtypes that numpy has not, such as bfloat16."""
    from safetensors.torch import load_file

    for name, values in sorted(load_file(file).items(), key=lambda item: natural(item[0])):
        if values.ndim >= 2:
            yield from from_torch(name, values.float().numpy())


def natural(name: str) -> list[tuple[int, str]]:
    """A key by which `layer2` comes before `layer10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
