"""Whether what is asked for goes together, found out before images are read."""

from __future__ import annotations

import re

from birthmark.common.errors import BirthmarkError
from birthmark.references.design import FEWEST, FEWEST_STARTED

PUBLISHED = "published"
"""The value of `--init` for the weights that timm publishes under the network's own name."""
PLAIN = re.compile(r"[A-Za-z0-9._-]{1,60}")


def require_sense(
    own: str | None, init: str | None, start: str | None, count: int, device: str
) -> None:
    """Check the network, its checkpoint, the checkpoint's name, how many, and where.

    Raises
    ------
    BirthmarkError
        If they don't go together, or there is no such device.
    """
    if own is None and init is not None:
        raise BirthmarkError(
            "--init", "is a checkpoint, but its network is not named", "name it with --own"
        )
    if init is None and start is not None:
        raise BirthmarkError(
            "--start",
            f"names the checkpoint {start!r}, but none is passed",
            "pass it with --init FILE or --init published, or leave out --start",
        )
    if init is not None and start is None:
        raise BirthmarkError("--init", "is a checkpoint without a name", "name it with --start")
    if start is not None and not PLAIN.fullmatch(start):
        raise BirthmarkError(
            "--start",
            f"is {start!r}, which can't be the name of a folder",
            "pass --start with letters, digits, '.', '_' and '-', at most 60",
        )
    if init == PUBLISHED and not (own or "").startswith("timm:"):
        raise BirthmarkError(
            "--init",
            f"is 'published', which only timm's networks have, but --own is {own!r}",
            "pass the checkpoint's .safetensors, or name a network as --own timm:NAME",
        )
    least = FEWEST if start is None else FEWEST_STARTED
    if count < least:
        why = "" if start is None else ", and four of them share your start"
        raise BirthmarkError("--count", f"is {count}{why}", f"ask for {least} or more")
    _require_device(device)


def _require_device(device: str) -> None:
    import torch

    try:
        asked = torch.device(device)
    except RuntimeError as error:
        raise BirthmarkError(
            "--device", f"is {device!r}, which torch does not know", "pass cpu or cuda"
        ) from error
    if asked.type != "cuda":
        return
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (asked.index or 0) >= there:
        raise BirthmarkError(
            "--device",
            f"is {device}, and torch finds {there or 'no'} GPU{'s' if there > 1 else ''} here",
            "pass --device cpu, or install a torch that fits your GPU's driver",
        )
