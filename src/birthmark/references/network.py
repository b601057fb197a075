"""The owner's network and built-in ones, with the checkpoint that they begin from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from birthmark.common.errors import BirthmarkError
from birthmark.models.adapters import Declaration
from birthmark.references.asked import PUBLISHED
from birthmark.training.inputs import DEVIATION, MEAN
from birthmark.training.nets import network
from birthmark.training.nets.head import head, head_name
from birthmark.training.nets.of_timm import TIMM, of_timm

CORE = 32
"""Built-in networks reduce images to about so many pixels a side with their first layer."""


class Brought(nn.Module):
    """A network that is given pixels as the owner's declaration brings them to it.

    It takes what all references take, (n, channels, size, size) with mean 127.5 at 0 and a
    deviation of 64 at 1, so that one `birthmark.toml` is right for all.
    """

    slope: Tensor
    offset: Tensor

    def __init__(self, net: nn.Module, declaration: Declaration) -> None:
        super().__init__()
        self.net = net
        low, high = declaration.range
        std = torch.tensor(declaration.std).expand(declaration.channels)
        mean = torch.tensor(declaration.mean).expand(declaration.channels)
        slope, offset = (high - low) / 255 / std, (low - mean) / std
        self.register_buffer("slope", (slope * DEVIATION).view(1, -1, 1, 1))
        self.register_buffer("offset", (slope * MEAN + offset).view(1, -1, 1, 1))
        self.flipped = declaration.order == "bgr"

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, size, size) to (n, outputs)."""
        x = x.flip(1) if self.flipped else x
        answer: Tensor = self.net(x * self.slope + self.offset)
        return answer


def own_network(
    spec: str, init: str | None, declaration: Declaration, outputs: int
) -> tuple[nn.Module, int]:
    """The owner's network at its start.

    Parameters
    ----------
    spec
        `module:factory`, `timm:NAME` or a built-in network.
    init
        A safetensors file, `published` for timm's weights, or None for random ones.
    declaration
        How images are brought to the owner's model.
    outputs
        Classes, or numbers of an embedding.

    Returns
    -------
    Module, int
        The network, and how many of its tensors did not come from a file.

    Raises
    ------
    BirthmarkError
        If it can't be made, does not end in a linear layer, or the weights are another network's.
    """
    size, channels = declaration.size[0], declaration.channels
    if spec.startswith(TIMM):
        net = of_timm(spec, outputs, channels, published=init == PUBLISHED)
        fresh = 0
    else:
        net = network(spec, outputs=outputs, channels=channels, size=size, core=min(CORE, size))
        fresh = sum(1 for _ in net.state_dict())
    if init is not None and init != PUBLISHED:
        fresh = load_start(net, Path(init))
    else:
        head(net)
    return Brought(net, declaration), fresh


def built_in(net: str, outputs: int, channels: int, size: int) -> nn.Module:
    """A built-in network with random weights."""
    return network(net, outputs=outputs, channels=channels, size=size, core=min(CORE, size))


def load_start(net: nn.Module, file: Path) -> int:
    """Put a checkpoint's weights into a network; its head stays as it is if it is another's.

    Returns
    -------
    int
        How many tensors were left as they are.

    Raises
    ------
    BirthmarkError
        If the file is no safetensors, or lacks a tensor of the network but the head's.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if file.suffix != ".safetensors":
        raise BirthmarkError(
            file, "may be a pickle, which is never loaded", "save the weights as safetensors"
        )
    try:
        weights: dict[str, Any] = load_file(file)
    except (SafetensorError, OSError) as error:
        raise BirthmarkError(
            file, f"is not readable safetensors ({error})", "name another file with --init"
        ) from error
    wanted = net.state_dict()
    fits = {k: v for k, v in weights.items() if k in wanted and v.shape == wanted[k].shape}
    shared = {_place(wanted[name]) for name in fits}
    left = {name for name in wanted.keys() - fits.keys() if _place(wanted[name]) not in shared}
    last = f"{head_name(net)}.".lstrip(".")
    missing = sorted(
        name
        for name in left
        if name not in (f"{last}weight", f"{last}bias") and not name.endswith("num_batches_tracked")
    )
    if missing:
        raise BirthmarkError(
            file,
            f"fits {len(fits)} of the network's {len(wanted)} tensors: it lacks"
            f" {', '.join(missing[:3])}{' ...' if len(missing) > 3 else ''}, or has them in"
            " another shape",
            "with --own, name the network it was saved from; only the last layer may differ",
        )
    net.load_state_dict(fits, strict=False)
    return len([name for name in left if not name.endswith("num_batches_tracked")])


def _place(tensor: Tensor) -> tuple[int, torch.Size]:
    """The same for names that share one tensor, of which safetensors keeps a single one."""
    return tensor.data_ptr(), tensor.shape
