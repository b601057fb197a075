"""The chance that units find their own place, checked against many draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from birthmark.witnesses.weights.bound import ROLES, log_chance

DRAWS = 20_000
UNITS = 16


def free(rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.permutation(UNITS)


def by_role(rng: np.random.Generator) -> NDArray[np.int64]:
    size = UNITS // ROLES
    return np.concatenate([size * i + rng.permutation(size) for i in range(ROLES)])


def in_groups(rng: np.random.Generator) -> NDArray[np.int64]:
    groups = [4 * i + rng.permutation(4) for i in rng.permutation(UNITS // 4)]
    return np.concatenate(groups)


@pytest.mark.parametrize("order", [free, by_role, in_groups])
@pytest.mark.parametrize("hubs", [False, True])
def test_hits_are_as_rare_as_said(order: object, hubs: bool) -> None:
    """Whatever is nearest to what, shared or not, if only the order is drawn at random.

    The test's own flakiness: 4 standard errors at each of 8 counts, and the seed is fixed.
    """
    rng = np.random.default_rng(7)
    nearest = rng.integers(0, UNITS, UNITS) if hubs else np.arange(UNITS)
    hits = np.array([(order(rng) == nearest).sum() for _ in range(DRAWS)])  # type: ignore[operator]
    for count in range(1, 9):
        stated = math.exp(log_chance(count))
        seen = float((hits >= count).mean())
        assert seen <= stated + 4 * math.sqrt(max(stated, 1 / DRAWS) / DRAWS)


def test_the_bound_is_no_idle_one() -> None:
    """Bell's number of 16 is 10480142147, and 64 units in place are beyond any doubt."""
    assert math.exp(log_chance(16)) == pytest.approx(10_480_142_147 / math.factorial(16))
    assert log_chance(64) < math.log(1e-20)
    assert log_chance(0) == log_chance(1) == 0
