"""How many controls have p <= alpha, checked against many draws."""

from __future__ import annotations

import numpy as np
import pytest

from birthmark.evidence.recheck import LEVEL, chance_of_controls

DRAWS = 20_000


@pytest.mark.parametrize(("references", "controls"), [(19, 30), (20, 300), (59, 30)])
def test_an_honest_fingerprint_fails_by_its_controls_at_most_as_often_as_stated(
    references: int, controls: int
) -> None:
    """References and controls from one distribution, all controls ranked among the same references.

    The test's own flakiness: a deviation of 4 standard errors, less than 1 in 10,000, and the
    seed is fixed.
    """
    alpha = 0.05
    rng = np.random.default_rng(controls)
    closest = int(alpha * (references + 1) + 1e-9)
    held = closest / (references + 1)
    thresholds = np.sort(rng.random((DRAWS, references)))[:, closest - 1]
    below = rng.binomial(controls, thresholds)
    chances = [chance_of_controls(k, controls, references, held) for k in range(controls + 1)]
    slack = 4 * np.sqrt(LEVEL / DRAWS)
    assert float((np.array(chances)[below] <= LEVEL).mean()) <= LEVEL + slack
    for k in (1, 3, 6):
        assert float((below >= k).mean()) == pytest.approx(chances[k], abs=4 * 0.5 / DRAWS**0.5)
