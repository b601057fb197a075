"""A model file that the user trusts, run in this process, where a GPU can be reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError, one_line
from birthmark.models.runtimes.base import RUNTIMES, RunError, Takes

DEVICES = ("cpu", "cuda")
ON_DEVICES = ("onnx",)
"""Runtimes that know of devices."""


class Trusted:
    """A model file on a device, without the limits of a process of its own.

    Parameters
    ----------
    runtime
        Its name in `RUNTIMES`.
    path
        The file.
    device
        `cuda`.
    what
        How messages call such a file.

    Raises
    ------
    BirthmarkError
        If the runtime knows of no devices, has not this one, or can't read the file.
    """

    missing: tuple[str, ...] = ()

    def __init__(self, runtime: str, path: Path, device: str, what: str) -> None:
        if device not in DEVICES:
            raise BirthmarkError("--device", f"is {device!r}", f"pass {' or '.join(DEVICES)}")
        if runtime not in ON_DEVICES:
            raise BirthmarkError(path, f"runs on the CPU, not on {device}", "export it to ONNX")
        if not path.is_file():
            raise BirthmarkError(path, "does not exist", "name a model file")
        self._path = path
        try:
            self._model = RUNTIMES.make(runtime)(path, {"device": device})
        except BirthmarkError:
            raise
        except Exception as error:  # a runtime raises what it meets
            raise BirthmarkError(
                path, f"is not a readable {what} ({_said(error)})", "export it again"
            ) from error

    @property
    def takes(self) -> Takes:
        """What the model takes, as its file tells."""
        return self._model.takes

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """The model's first output for a batch.

        Raises
        ------
        BirthmarkError
            If it fails.
        """
        try:
            return np.asarray(self._model.run(batch))
        except Exception as error:
            raise RunError(
                self._path, f"failed on an image ({_said(error)})", "check the declared input"
            ) from error


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {one_line(str(error), 200)}"
