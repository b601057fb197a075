from __future__ import annotations

import pytest

from birthmark.calibration import conformal_p, references_needed, smallest_p


@pytest.mark.parametrize(
    ("score", "references", "p"),
    [
        (0.0, [1.0, 2.0, 3.0], 1 / 4),
        (1.0, [1.0, 2.0, 3.0], 2 / 4),
        (2.5, [1.0, 2.0, 3.0], 3 / 4),
        (9.0, [1.0, 2.0, 3.0], 1.0),
        (1.0, [1.0] * 19, 1.0),
        (0.0, [], 1.0),
    ],
)
def test_p_counts_models_at_most_as_far(score: float, references: list[float], p: float) -> None:
    assert conformal_p(score, references) == p


@pytest.mark.parametrize(
    ("alpha", "n"),
    [(0.05, 19), (0.01, 99), (0.2, 4), (0.001, 999), (0.3, 3), (1 / 3, 2), (1 / 7, 6)],
)
def test_as_many_references_as_alpha_needs(alpha: float, n: int) -> None:
    assert references_needed(alpha) == n
    assert smallest_p(n) <= alpha < smallest_p(n - 1)
