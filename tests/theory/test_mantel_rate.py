"""What a small p of the Mantel test shows, and what it does not, checked against many draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from birthmark import Kind, Outputs
from birthmark.calibration import mantel
from birthmark.calibration.mantel import mantel_of, partial_mantel

Matrix = NDArray[np.float64]
PROBES, CLASSES = 20, 6
ALPHA = 0.05
FEW, MANY = 5, 19
"""So few that each reference is allowed for, and so many that only their mean is."""


def rate(draw: Callable[[np.random.Generator], float], draws: int) -> float:
    p = [draw(np.random.default_rng(seed)) for seed in range(draws)]
    return float((np.array(p) <= ALPHA).mean())


def slack(draws: int) -> float:
    """4 standard errors of a rate of ALPHA: exceeded by chance less than 1 time in 10,000."""
    return float(4 * np.sqrt(ALPHA * (1 - ALPHA) / draws))


def cosines(rng: np.random.Generator) -> Matrix:
    rows = rng.normal(size=(PROBES, CLASSES))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    matrix: Matrix = rows @ rows.T
    return matrix


def by_rows(rng: np.random.Generator) -> Matrix:
    """Pairs that depend on each other as much as they can: each is a sum over its two probes."""
    own = rng.normal(size=PROBES)
    rest = rng.normal(size=(PROBES, PROBES))
    matrix: Matrix = own[:, None] + own + 0.3 * (rest + rest.T)
    return matrix


@pytest.mark.parametrize("made", [cosines, by_rows])
@pytest.mark.parametrize("references", [0, FEW, MANY])
def test_the_rate_holds_where_any_order_of_the_probes_is_as_likely(
    made: Callable[[np.random.Generator], Matrix], references: int
) -> None:
    """Models that owe each other nothing.

    With references the test is approximate, and a fifth of alpha is allowed for that. The test's
    own flakiness: less than 1 in 10,000 a case, and the seeds are fixed.
    """
    draws = 1000

    def draw(rng: np.random.Generator) -> float:
        others = [made(rng) for _ in range(references)]
        return partial_mantel(made(rng), made(rng), others, permutations=99).p_value

    allowance = ALPHA / 5 if references else 0
    assert rate(draw, draws) <= ALPHA + allowance + slack(draws)


def test_the_rate_holds_for_what_a_reference_shows_without_noise() -> None:
    """Flakiness as above."""
    draws = 1000

    def draw(rng: np.random.Generator) -> float:
        common = by_rows(rng)
        a, b = common + cosines(rng), 2 * common + cosines(rng)
        return partial_mantel(a, b, [common], permutations=99).p_value

    assert rate(draw, draws) <= ALPHA * 1.2 + slack(draws)


def test_as_many_references_as_probes_cannot_each_be_allowed_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Why PROBES_A_REFERENCE is 4: with 1, unrelated models pass too often.

    The rate is about 0.24; 0.15 is more than 4 standard errors below.
    """
    monkeypatch.setattr(mantel, "PROBES_A_REFERENCE", 1)

    def draw(rng: np.random.Generator) -> float:
        others = [by_rows(rng) for _ in range(MANY)]
        return partial_mantel(by_rows(rng), by_rows(rng), others, permutations=99).p_value

    assert rate(draw, 400) > 0.15


def independents(
    lineage: float, references: int, probes: int = PROBES
) -> Callable[[np.random.Generator], float]:
    """Two models trained apart: a task that all share, and a lineage that is theirs alone."""

    def draw(rng: np.random.Generator) -> float:
        task, kin = rng.normal(size=(2, probes, CLASSES))

        def model(of: float) -> Outputs:
            values = task + of * kin + rng.normal(size=task.shape)
            return Outputs(values.astype(np.float32), Kind.LOGITS, CLASSES)

        others = [model(0) for _ in range(references)]
        return mantel_of(model(lineage), model(lineage), others, permutations=99).p_value

    return draw


@pytest.mark.parametrize("references", [FEW, MANY])
def test_a_lineage_that_the_references_lack_passes_for_association(references: int) -> None:
    """Neither model is derived from the other, and most pairs of them pass at 5%.

    The rates are about 0.87 and 0.80; 0.65 is more than 6 standard errors below.
    """
    assert rate(independents(0.7, references), 300) > 0.65


@pytest.mark.parametrize(("references", "expected"), [(FEW, 0.37), (MANY, 0.18), (99, 0.10)])
def test_references_show_the_task_with_noise_and_so_take_too_little_away(
    references: int, expected: float
) -> None:
    """No lineage at all: the rate is above 5%, and falls as the references grow more.

    The test's own flakiness: a deviation of 4 standard errors, less than 1 in 10,000 a case.
    """
    draws = 300
    deviation = 4 * np.sqrt(expected * (1 - expected) / draws)
    assert rate(independents(0.0, references), draws) == pytest.approx(expected, abs=deviation)


def test_more_probes_show_what_the_references_leave_more_surely() -> None:
    """The same models without a lineage: the rate is 0.18 with 20 probes, about 0.7 with 100.

    0.4 is more than 4 standard errors from 0.7, less than 1 in 10,000.
    """
    assert rate(independents(0.0, MANY, probes=100), 80) > 0.4
