"""Batches in memory that both processes see, so that they need not go through a socket."""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ADD_SEALS, SEAL_SHRINK = 1033, 2


class Sharing:
    """The parent's side. The other process can write to it too, but not make it smaller.

    Attributes
    ----------
    fileno
        The descriptor to pass on.
    """

    def __init__(self) -> None:
        import fcntl

        self.fileno = os.memfd_create("batch", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self._open = True
        fcntl.fcntl(self.fileno, ADD_SEALS, SEAL_SHRINK)
        self._memory: mmap.mmap | None = None

    def put(self, batch: NDArray[np.float32]) -> list[int] | None:
        """Place a batch there.

        Returns
        -------
        list of int or None
            Its shape, which the other process has to be told; None where this process may not
            have so much of such memory (`ulimit -f` counts it).
        """
        if self._memory is None or len(self._memory) < batch.nbytes:
            try:
                os.ftruncate(self.fileno, max(1, batch.nbytes))
                self._memory = mmap.mmap(self.fileno, 0)
            except OSError:
                return None
        np.ndarray(batch.shape, np.float32, self._memory)[...] = batch
        return list(batch.shape)

    def close(self) -> None:
        """Let go of the memory."""
        if self._open:
            self._open = False
            os.close(self.fileno)
        self._memory = None


class Shared:
    """The model's side.

    Parameters
    ----------
    fileno
        The descriptor that was passed on.
    """

    def __init__(self, fileno: int) -> None:
        self._fileno = fileno
        self._memory: mmap.mmap | None = None

    def get(self, shape: Sequence[int]) -> NDArray[np.float32]:
        """The batch that was put there."""
        size = os.fstat(self._fileno).st_size
        if self._memory is None or len(self._memory) < size:
            self._memory = mmap.mmap(self._fileno, size)
        return np.ndarray(tuple(shape), np.float32, self._memory)
