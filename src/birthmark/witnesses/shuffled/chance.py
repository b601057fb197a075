"""How unlikely it is that fair coins fall as a suspect's answers would have it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, ndtr

FLIPS = 9999
"""How often all coins are flipped anew."""
LEAST = 10
"""Fewest such flips that reach as much, for their count to be the p-value."""
HOPELESS = 1e-6
"""With a bound below it, so many flips would not reach as much."""
FACTOR = 1 / (4 * float(ndtr(-np.sqrt(2))))
"""About 3.178."""


def coins_p(numbers: NDArray[np.float64], heads: NDArray[np.bool_]) -> tuple[float, float]:
    """How often coins part the numbers as far as these, if each fell either way as likely.

    With signs e, fair and independent, the sum of e a is compared with what it is. Where 11 or
    more of 10,000 flips reach that, their share is the p-value. Where fewer do it is computed: for
    all numbers a, P(sum >= z sqrt(sum a^2)) <= 3.178 P(N >= z) with N standard normal. So no
    p-value below .0011 is a count, and none is smaller than the true chance.

    Source of the bound, which is the best of its kind: Bentkus and Dzindzalieta 2015, "A tight
    Gaussian bound for weighted sums of Rademacher random variables", Bernoulli 21(2).

    Parameters
    ----------
    numbers
        float64 (n,), of any scale; computed without looking at the coins.
    heads
        bool (n,): on which side each fell.

    Returns
    -------
    tuple
        The p-value, 0 to 1, and z.
    """
    centred = numbers - numbers.mean() if len(numbers) else numbers
    size = float(np.sqrt(np.sum(centred**2)))
    if not size > 0:
        return 1.0, 0.0
    scaled = centred / size
    z = float(np.where(heads, scaled, -scaled).sum())
    bound = float(min(1.0, FACTOR * ndtr(-z)))
    if bound < HOPELESS:
        return bound, z
    rng = np.random.default_rng(0)
    reached = 1
    for _ in range(FLIPS):
        bits = np.unpackbits(rng.integers(0, 256, (len(scaled) + 7) // 8, np.uint8))[: len(scaled)]
        reached += 2 * float(scaled[bits == 1].sum()) >= z - 1e-12
    return (reached / (FLIPS + 1) if reached > LEAST else bound), z


def shuffle_p(numbers: NDArray[np.float64], inside: NDArray[np.bool_]) -> tuple[float, float]:
    """How often as many images, drawn anew, have numbers as large as those inside.

    The share of 10,000 draws, the real one among them, that reach it: never below .0001.

    Parameters
    ----------
    numbers
        float64 (n,); computed without looking at the sides.
    inside
        bool (n,): which were trained on.

    Returns
    -------
    tuple
        The p-value, 0 to 1, and z.
    """
    centred = numbers - numbers.mean() if len(numbers) else numbers
    less = inside if 2 * inside.sum() <= len(inside) else ~inside
    spread = float(centred.std()) * np.sqrt(
        inside.sum() * (~inside).sum() / max(1, len(inside) - 1)
    )
    if not spread > 0:
        return 1.0, 0.0
    sign = 1.0 if less is inside else -1.0
    had = sign * float(centred[less].sum())
    rng, count = np.random.default_rng(0), int(less.sum())
    reached = 1
    for _ in range(FLIPS):
        drawn = rng.choice(len(centred), count, replace=False, shuffle=False)
        reached += sign * float(centred[drawn].sum()) >= had - 1e-12 * spread
    return reached / (FLIPS + 1), had / spread


def hits_p(hits: int, count: int, classes: int) -> float:
    """How often so many drawn labels are guessed by whoever never saw them: a binomial's tail.

    A canary's label is one of the classes - 1 that are not its own, each as likely, so any answer
    is that label with probability 1 / (classes - 1) at most.
    """
    return tail_p(hits, count, 1 / (classes - 1))


def tail_p(hits: int, count: int, chance: float) -> float:
    """How often so many of `count` independent guesses, each right by that chance, are right."""
    return float(bdtrc(hits - 1, count, chance)) if hits else 1.0
