"""What the model's process does: give up what it may do, load the file, answer batches."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from birthmark.common.errors import BirthmarkError, one_line
from birthmark.models.runtimes.base import RUNTIMES, Load
from birthmark.models.sandbox.descriptors import BATCHES
from birthmark.models.sandbox.frames import Channel
from birthmark.models.sandbox.protections import protect
from birthmark.models.sandbox.shared_memory import Shared

ASKED = 4 << 30
"""Most bytes of a batch; the parent is trusted."""


def main(connection: socket.socket) -> None:
    """Serve one model, then end the process whatever happens."""
    try:
        _serve(Channel(connection))
    except EOFError:
        os._exit(0)
    except BaseException:
        os._exit(1)
    os._exit(0)


def _serve(channel: Channel) -> None:
    asked, _ = channel.receive(0)
    path = Path(asked["path"])
    readable = [Path(one) for one in asked["readable"]]
    channel.send({"protections": protect(readable, asked["memory"], asked["threads"])})
    try:
        model = _load(asked["runtime"])(path, asked["options"])
        takes = asdict(model.takes)
    except BaseException as error:
        channel.send(_told(error))
        return
    channel.send({"takes": takes})
    shared = Shared(BATCHES)
    while True:
        header, _ = channel.receive(0)
        batch = shared.get(header["batch"]) if header else channel.receive(ASKED)[1]
        try:
            values: Any = np.asarray(model.run(np.asarray(batch)))
            if values.dtype.kind not in "fiub":
                raise BirthmarkError(path, f"answers with {values.dtype}", "export numbers")
        except BaseException as error:
            channel.send(_told(error))
            continue
        channel.send({}, values)


def _load(name: str) -> Load:
    """A runtime's loader, or that of `module:function`."""
    if ":" in name:
        module, _, function = name.partition(":")
        load: Load = getattr(import_module(module), function)
        return load
    return RUNTIMES.make(name)


def _told(error: BaseException) -> dict[str, Any]:
    if isinstance(error, BirthmarkError):
        return {"error": [error.problem, error.fix]}
    text = one_line(str(error))
    return {"failed": f"{type(error).__name__}: {text}" if text else type(error).__name__}
