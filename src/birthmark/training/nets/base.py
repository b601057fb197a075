"""Families of networks, sized for a CPU, and factories of the user's own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout

import torch
from torch import nn

from birthmark.common.errors import BirthmarkError
from birthmark.common.importing import imported
from birthmark.common.registry import Registry
from birthmark.training.nets.of_timm import TIMM, of_timm

Factory = Callable[..., nn.Module]
"""Called with `outputs`, `channels`, `size` and `core`, all int, by keyword.

`core` is the side of the feature map that the first layer reduces images to. Takes float32
(n, channels, size, size), pixels scaled to mean 0 and deviation 1 or so, and answers
(n, outputs).
"""

NETS: Registry[Factory] = Registry("network", "birthmark.training.nets")


def network(name: str, *, outputs: int, channels: int, size: int, core: int) -> nn.Module:
    """Make a network of `NETS`, `timm:NAME`, or by the user's factory `module:function`.

    A factory takes `outputs`, `channels` and `size` by keyword; the current folder is searched
    for it first.

    Raises
    ------
    BirthmarkError
        If there is no such network, or the factory fails or makes something else.
    """
    if ":" not in name:
        return NETS.make(name)(outputs=outputs, channels=channels, size=size, core=core)
    if name.startswith(TIMM):
        return of_timm(name, outputs, channels, published=False)
    try:
        with redirect_stdout(sys.stderr):  # a module that prints would spoil what --json prints
            _, factory = imported(name)
            made = factory(outputs=outputs, channels=channels, size=size)
            with torch.no_grad():
                shape = tuple(made.eval()(torch.zeros(2, channels, size, size)).shape)
    except (Exception, SystemExit) as error:
        raise BirthmarkError(
            f"network {name}",
            f"cannot be made ({type(error).__name__}: {error})",
            "name a function that takes outputs, channels and size by keyword",
        ) from error
    if shape != (2, outputs):
        raise BirthmarkError(
            f"network {name}", f"answers two images with {shape}", f"make it return (2, {outputs})"
        )
    if not any(weight.requires_grad for weight in made.parameters()):
        raise BirthmarkError(
            f"network {name}",
            "has no weights that can be trained",
            "let their requires_grad be True, which the factory may have changed",
        )
    return made  # type: ignore[no-any-return]
