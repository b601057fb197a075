"""How unlikely it is that many units find their own place, if their order means nothing."""

from __future__ import annotations

import math
from functools import cache

ROLES = 4
"""Kinds of units that places of a network may be reserved for: a padded shortcut reserves some."""


def log_chance(hits: int) -> float:
    """Natural logarithm of a bound on the chance of at least so many hits.

    A hit is a unit of the suspect whose nearest unit of the victim stands at the same place. If the
    victim's n units stand in an order that is uniform, k given units all hit with probability at
    most (n - k)! / n!, so the expected number of such sets of k is at most 1 / k!, and by Markov's
    inequality so is the chance of k hits or more. Whatever the similarities are, nearest units that
    coincide included: two units whose nearest is the same cannot both hit.

    Units need not be free to stand anywhere. With r kinds of places, and units uniform within each
    kind, the sum over how the k are spread is r^k / k!. Where units are permuted in groups, and
    groups among each other, as grouped convolutions and heads of attention are, it is
    B(k) / k!, with Bell's number of partitions of k things. The larger of both is taken, with r =
    4. Depends on no sample and no limit theorem.

    Parameters
    ----------
    hits
        k, 0 or more.

    Returns
    -------
    float
        At most 0.
    """
    return min(0.0, max(_log_bell(hits), hits * math.log(ROLES)) - math.lgamma(hits + 1))


@cache
def _log_bell(k: int) -> float:
    row = [1]
    for _ in range(k):
        following = [row[-1]]
        for value in row:
            following.append(following[-1] + value)
        row = following
    return math.log(row[0])
