"""What each probe contributes to a score: leave it out and see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from birthmark.data.outputs import Outputs
from birthmark.scores.base import Score

Numbers = NDArray[np.float64]


@runtime_checkable
class LeavesOut(Protocol):
    """A score that knows a short way to its numbers without one probe."""

    def without_each(self, victim: Outputs, pool: Sequence[Outputs]) -> Numbers:
        """The pool's numbers without probe i, float64 (n, pool)."""
        ...


def without_each(
    score: Score, victim: Outputs, pool: Sequence[Outputs], blocks: Sequence[int]
) -> Numbers:
    """A pool's numbers without some blocks of probes, one at a time.

    Parameters
    ----------
    score
        Any score. One that knows a short way is taken by it.
    victim, pool
        Answers to the same n probes, of one kind.
    blocks
        Which blocks of `score.block` consecutive probes to leave out.

    Returns
    -------
    ndarray
        float64 (blocks, pool).

    Raises
    ------
    BirthmarkError
        If the score can't be computed with fewer probes.
    """
    if isinstance(score, LeavesOut):
        return score.without_each(victim, pool)[list(blocks)]
    numbers = np.empty((len(blocks), len(pool)))
    for i, block in enumerate(blocks):
        first = block * score.block
        rest = [*range(first), *range(first + score.block, len(victim))]
        numbers[i] = score(victim.at(rest), [one.at(rest) for one in pool])
    return numbers


def jackknifed(whole: Numbers, without: Numbers, blocks: int) -> Numbers:
    """What a jackknife ascribes to each block: pseudo-values, whose mean is about the whole.

    Of a score that is a mean over probes a block's value is exactly its part of it; of other smooth
    scores it is the whole and the block's influence on it.

    Source: Tukey 1958; Efron and Tibshirani, An Introduction to the Bootstrap, chapter 11.

    Parameters
    ----------
    whole
        A number of all blocks, ().
    without
        The same without each of some blocks, (m,).
    blocks
        How many blocks there are.

    Returns
    -------
    ndarray
        blocks * whole - (blocks - 1) * without, float64 (m,).
    """
    values: Numbers = blocks * whole - (blocks - 1) * without
    return values
