"""How much a model file may use."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from birthmark.common.errors import BirthmarkError

MEMORY, SECONDS, FILE = "BIRTHMARK_MEMORY_GIB", "BIRTHMARK_SECONDS", "BIRTHMARK_FILE_GIB"


@dataclass(frozen=True)
class Limits:
    """How much a model file may use.

    Attributes
    ----------
    memory
        Of its process, beyond what an empty one takes, in bytes.
    load_seconds, run_seconds
        For loading it, and for one batch; by the clock.
    file
        Size of the file, or of a folder's files together, in bytes.
    answer
        Size of the answers to one batch, in bytes.
    width
        Numbers an image that it may answer with.
    threads
        That it may begin, or four a core if that is more; its process has room for their stacks.
    """

    memory: int = 8 << 30
    load_seconds: float = 300.0
    run_seconds: float = 300.0
    file: int = 8 << 30
    answer: int = 1 << 30
    width: int = 1 << 20
    threads: int = 256

    @classmethod
    def of_environment(cls) -> Limits:
        """The defaults, or what the environment variables say instead.

        Raises
        ------
        BirthmarkError
            If one is no positive number.
        """
        memory, seconds, file = (_positive(name) for name in (MEMORY, SECONDS, FILE))
        given: dict[str, float] = {}
        if memory is not None:
            given["memory"] = int(memory * (1 << 30))
        if seconds is not None:
            given |= {"load_seconds": seconds, "run_seconds": seconds}
        if file is not None:
            given["file"] = int(file * (1 << 30))
        return cls(**given)  # type: ignore[arg-type]


def _positive(name: str) -> float | None:
    text = os.environ.get(name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1e6:
        raise BirthmarkError(name, f"is {text!r}", "set it to a positive number, or unset it")
    return value
