from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from birthmark import Kind, Outputs
from birthmark.calibration.mantel import (
    MOST_PROBES,
    PROBES_A_REFERENCE,
    Mantel,
    mantel_each,
    mantel_of,
    partial_mantel,
)

Matrix = NDArray[np.float64]
N = 20
NOTHING = Mantel(0.0, 1.0, 0)


def matrix(seed: int, n: int = N) -> Matrix:
    values = np.random.default_rng(seed).normal(size=(n, n))
    return values + values.T


def triangle(one: Matrix) -> Matrix:
    pairs: Matrix = one[np.triu_indices(len(one), 1)]
    return pairs


def plainly(victim: Matrix, suspect: Matrix, references: list[Matrix]) -> float:
    """The partial correlation by numpy's own least squares."""
    columns = [np.ones_like(triangle(victim)), *map(triangle, references)]
    design = np.stack(columns, axis=1)
    left = [
        pairs - design @ np.linalg.lstsq(design, pairs, rcond=None)[0]
        for pairs in (triangle(victim), triangle(suspect))
    ]
    return float(np.corrcoef(left)[0, 1])


def test_without_references_it_is_the_correlation_of_the_triangles() -> None:
    a, b = matrix(0), matrix(0) + matrix(1)
    found = partial_mantel(a, b, [])
    assert found.correlation == pytest.approx(np.corrcoef(triangle(a), triangle(b))[0, 1])
    assert found.correlation == pytest.approx(plainly(a, b, []))


@pytest.mark.parametrize("count", [1, 2, N // PROBES_A_REFERENCE])
def test_each_of_a_few_references_is_allowed_for(count: int) -> None:
    references = [matrix(2 + i) for i in range(count)]
    a, b = matrix(0) + sum(references), matrix(0) + matrix(1) - references[0]
    assert partial_mantel(a, b, references).correlation == pytest.approx(plainly(a, b, references))


def test_of_many_references_the_mean_is() -> None:
    references = [matrix(2 + i) for i in range(N // PROBES_A_REFERENCE + 1)]
    scaled = [(one - triangle(one).mean()) / triangle(one).std() for one in references]
    a, b = matrix(0), matrix(0) + matrix(1)
    expected = plainly(a, b, [np.mean(scaled, axis=0)])
    assert partial_mantel(a, b, references).correlation == pytest.approx(expected)


def test_p_is_the_share_of_all_orders() -> None:
    """Of 5 probes there are 120 orders; 20,000 draws are within 4 standard errors of them."""
    a, b = matrix(0, 5), matrix(0, 5) + 2 * matrix(1, 5)
    own = np.corrcoef(triangle(a), triangle(b))[0, 1]
    orders = [list(order) for order in permutations(range(5))]
    drawn = [np.corrcoef(triangle(a), triangle(b[order][:, order]))[0, 1] for order in orders]
    exact = float(np.mean(np.array(drawn) >= own - 1e-9))
    found = partial_mantel(a, b, [], permutations=20_000)
    assert 0.02 < exact < 0.5
    assert found.p_value == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 20_000) ** 0.5)


def test_orders_that_change_nothing_count_against_the_accusation() -> None:
    """Two classes of two probes: 8 of the 24 orders give the same matrix."""
    labels = np.array([0, 0, 1, 1])
    same = (labels[:, None] == labels).astype(np.float64)
    found = partial_mantel(same, same, [], permutations=20_000)
    assert found.correlation == pytest.approx(1)
    assert found.p_value == pytest.approx(1 / 3, abs=0.014)


def test_a_copy_gets_the_smallest_p_and_its_opposite_the_largest() -> None:
    references = [matrix(2), matrix(3)]
    copy = partial_mantel(matrix(0), matrix(0), references, permutations=199)
    assert copy.correlation == pytest.approx(1)
    assert (copy.p_value, copy.permutations) == (1 / 200, 199)
    assert partial_mantel(matrix(0), -matrix(0), references, permutations=199).p_value == 1


def test_what_the_references_explain_is_taken_away() -> None:
    common = matrix(2)
    a, b = matrix(0) + 3 * common, matrix(1) + 3 * common
    assert partial_mantel(a, b, []).p_value == 0.001
    assert partial_mantel(a, b, [common]).p_value > 0.05


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_probes_and_the_scale_do_not_matter(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(N)
    given = [matrix(0), matrix(0) + 5 * matrix(1), matrix(2)]
    first = partial_mantel(given[0], given[1], given[2:])
    moved = [5 - 3 * one[order][:, order] for one in given]
    second = partial_mantel(moved[0], moved[1], moved[2:])
    assert second.correlation == pytest.approx(first.correlation)
    assert second.p_value == pytest.approx(first.p_value, abs=0.09)
    assert partial_mantel(given[1], given[0], given[2:]).correlation == first.correlation


def test_a_seed_repeats_and_the_diagonal_is_not_read() -> None:
    a, b = matrix(0), matrix(1)
    first = partial_mantel(a, b, [], seed=1)
    assert first == partial_mantel(a + 9 * np.eye(N), b, [], seed=1)
    assert first != partial_mantel(a, b, [], seed=2)


@pytest.mark.parametrize(
    ("victim", "suspect", "references"),
    [
        (np.ones((N, N)), matrix(1), []),
        (matrix(0), np.zeros((N, N)), [matrix(2)]),
        (matrix(0), 1 + 1e-15 * matrix(1), []),
        (matrix(0), 2 * matrix(3) - 1, [matrix(2), matrix(3)]),
        (matrix(0, 3), matrix(0, 3), []),
        (np.empty((0, 0)), np.empty((0, 0)), []),
    ],
    ids=["victim", "suspect", "rounding", "a reference", "three probes", "no probes"],
)
def test_nothing_to_compare_is_no_evidence(
    victim: Matrix, suspect: Matrix, references: list[Matrix]
) -> None:
    assert partial_mantel(victim, suspect, references) == NOTHING


def test_references_without_variation_or_given_twice_change_nothing() -> None:
    a, b, c = matrix(0), matrix(1), matrix(2)
    once = partial_mantel(a, b, [c])
    more = partial_mantel(a, b, [c, np.ones((N, N)), 2 * c])
    assert more.correlation == pytest.approx(once.correlation)
    assert partial_mantel(a, b, [np.ones((N, N))]) == partial_mantel(a, b, [])


@pytest.mark.parametrize(
    ("suspect", "drawn"),
    [(matrix(1, N - 1), 9), (np.ones(N), 9), (np.full((N, N), np.nan), 9), (matrix(1), 0)],
)
def test_what_is_no_matrix_of_the_same_probes_is_refused(suspect: Matrix, drawn: int) -> None:
    with pytest.raises(ValueError, match=r"shapes|NaN|permutations"):
        partial_mantel(matrix(0), suspect, [], permutations=drawn)


def logits(seed: int, n: int = 30, width: int = 5) -> Outputs:
    values = np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)
    return Outputs(values, Kind.LOGITS, width)


@pytest.mark.parametrize("kind", [Kind.LOGITS, Kind.PROBABILITIES, Kind.LABELS])
def test_answers_of_any_kind_and_width(kind: Kind) -> None:
    victim = logits(0).to(kind)
    references = [logits(1).to(kind), logits(2, width=7).to(kind)]
    copy = mantel_of(victim, victim, references)
    assert copy.correlation == pytest.approx(1)
    assert copy.p_value == 0.001
    assert mantel_of(victim, logits(3, width=4).to(kind), references).p_value > 0.05


def test_each_by_the_others_is_what_one_by_one_is() -> None:
    rng = np.random.default_rng(0)
    victim, *models = (
        Outputs(rng.normal(size=(30, 5)).astype(np.float32), Kind.LOGITS, 5) for _ in range(5)
    )
    models.append(models[0])
    each = mantel_each(victim, models, permutations=19)
    for i, (found, one) in enumerate(zip(each, models, strict=True)):
        alone = mantel_of(victim, one, [*models[:i], *models[i + 1 :]], permutations=19)
        assert found.p_value == alone.p_value
        assert found.correlation == pytest.approx(alone.correlation, abs=1e-12)


def test_answers_are_compared_by_their_cosines() -> None:
    a, b = logits(0), logits(1)
    rows = [one.values - one.values.mean(axis=1, keepdims=True) for one in (a, b)]
    rows = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in rows]
    expected = np.corrcoef([triangle(one @ one.T) for one in rows])[0, 1]
    assert mantel_of(a, b, []).correlation == pytest.approx(expected, abs=1e-5)


def test_of_many_probes_some_are_drawn() -> None:
    a, b = logits(0, MOST_PROBES + 50), logits(1, MOST_PROBES + 50)
    first = mantel_of(a, b, [], permutations=1)
    assert first == mantel_of(a, b, [], permutations=1)
    assert first.correlation != mantel_of(a, b, [], permutations=1, seed=1).correlation
    assert mantel_of(a, a, [], permutations=9).p_value == 0.1


def test_answers_to_other_probes_are_refused() -> None:
    with pytest.raises(ValueError, match="30 answers against"):
        mantel_of(logits(0), logits(1), [logits(2, n=29)])
