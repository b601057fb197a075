"""Answers as numbers of a few bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from birthmark.common.digests import sha256


def packed(values: NDArray[np.float32], bits: int) -> tuple[NDArray[np.uint16], float, float]:
    """Numbers of `bits` bits for (n, width) answers, the lowest, and the step."""
    lowest = float(values.min())
    step = (float(values.max()) - lowest) / (2**bits - 1) or 1.0
    numbers = np.rint((values.astype(np.float64) - lowest) / step).astype(np.int64)
    rows, best = np.arange(len(values)), values.argmax(axis=1)
    ties = (numbers == numbers[rows, best][:, None]).sum(axis=1) > 1
    numbers[rows[ties], best[ties]] += 1
    return numbers.astype(np.uint16), lowest, step


def digest_of(numbers: NDArray[np.uint16]) -> str:
    """Digest of all numbers."""
    return sha256(numbers.astype("<u2").tobytes())
