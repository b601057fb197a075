"""As many copies are found as an audit states, where they come to lie as the zoos' did.

The shares of 4,000 draws are held to 3 standard deviations, .024: a right test fails in one of 700
cells; there are 8, whose seeds are fixed.
"""

from __future__ import annotations

import numpy as np
import pytest

from birthmark.audit.rule import Rule, line
from birthmark.calibration import power
from birthmark.calibration.strength import fitted

TIMES = 4000
DESIGNS = {"4 x 2": [2] * 4, "8 x 2": [2] * 8}


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("spread", [0.03, 0.1])
@pytest.mark.parametrize("population", ["objects", "faces"])
def test_so_many_copies_are_found(population: str, spread: float, design: str) -> None:
    rng = np.random.default_rng(0)
    known = fitted().copied.nearness[population]
    counts = DESIGNS[design]
    names: list[str | None] = [str(i) for i, n in enumerate(counts) for _ in range(n)]
    found, stated = 0, []
    for _ in range(TIMES):
        lineages = np.repeat(rng.normal(1, spread, len(counts)), counts)
        scores = 0.8 * (lineages + rng.normal(0, 0.04, len(names)))
        copy = np.interp(rng.random(), np.linspace(0, 1, len(known)), known) * scores.mean()
        below = line(Rule.UNSEEN, copy, scores.tolist(), names, names[0], 0.01)
        found += copy < below
        stated.append(power(below, scores.tolist(), "random").copies)
    assert np.mean(stated) <= found / TIMES + 0.024
    assert np.mean(stated) >= found / TIMES - 0.2
