"""Whether a suspect's correlations follow the victim's beyond what the references share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birthmark.data.outputs import Outputs, unit_rows

Matrix = NDArray[np.float64]
Numbers = NDArray[np.float64]

MOST_PROBES = 200
"""Up to here a test takes a second or two; the time grows with the square of the probes."""
LEAST_PROBES = 4
"""Fewer have at most 6 orders, which show nothing."""
PROBES_A_REFERENCE = 4
"""Probes that it takes for every reference to be allowed for on its own."""
AT_ONCE = 1 << 22
"""How many permuted correlations are held at a time."""
ROUNDING = 1e-9


@dataclass(frozen=True)
class Mantel:
    """A partial Mantel test.

    Attributes
    ----------
    correlation
        Pearson's, of the suspect's and the victim's pairs less what the references explain, -1
        to 1; 0 where nothing was left to compare.
    p_value
        The share of orders of the probes that correlate at least as much, the true one counted
        among them, 1 / (permutations + 1) to 1.
    permutations
        How many orders were drawn; 0 where nothing was left to compare.
    """

    correlation: float
    p_value: float
    permutations: int


NOTHING = Mantel(0.0, 1.0, 0)


def partial_mantel(
    victim: Matrix,
    suspect: Matrix,
    references: Sequence[Matrix],
    *,
    permutations: int = 999,
    seed: int = 0,
) -> Mantel:
    """Test whether the suspect's matrix goes with the victim's, given the references'.

    The pairs i < j of both matrices are regressed on the references', and what is left of them is
    correlated. Then the suspect's residual matrix is put into random orders of the probes, rows
    and columns together, regressed again, and correlated.

    Each reference is allowed for on its own if there are at least `PROBES_A_REFERENCE` probes for
    each; otherwise only their mean is, all scaled alike. Pairs that share a probe are not
    independent, so a reference costs probes, not pairs: with 19 references on their own and 20
    probes, matrices that owed each other nothing passed at 5% in one case of four.

    P(p <= alpha) <= alpha if the suspect's residuals are as likely in any order of the probes:
    exact without references, approximate with them. That is not so for an innocent model that
    shares with the victim what the references lack (lineage, data, pre-training), nor for one that
    shares the task alone: references show that with noise, and regression takes too little away.
    So a small p shows that the two go together beyond what the references explain, and not why;
    it is no false-positive rate. `tests/theory/test_mantel_rate.py` measures both.

    Source: Smouse, Long and Sokal, Systematic Zoology 35, 1986, for residual matrices; Freedman and
    Lane, Journal of Business and Economic Statistics 1, 1983, for the second regression; Legendre,
    Journal of Statistical Computation and Simulation 67, 2000, compares the ways to permute;
    Guillot and Rousset, Methods in Ecology and Evolution 4, 2013, shows where they fail.

    Parameters
    ----------
    victim, suspect, references
        Symmetric matrices, float (n, n), of which the pairs above the diagonal are read.
    permutations
        How many orders to draw, at least 1.
    seed
        Of these orders.

    Returns
    -------
    Mantel
        Correlation 0 and p 1 if n < `LEAST_PROBES`, or if the pairs of one of the two matrices are
        all equal or explained by the references.

    Raises
    ------
    ValueError
        If the matrices are not square, finite and of one size, or permutations is below 1.
    """
    n = len(victim)
    if any(one.shape != (n, n) for one in (victim, suspect, *references)):
        raise ValueError(f"shapes {[one.shape for one in (victim, suspect, *references)]}")
    if permutations < 1:
        raise ValueError(f"{permutations} permutations")
    if n < LEAST_PROBES:
        return NOTHING
    pairs = np.triu_indices(n, 1)
    allowed = _allowed([_centred(one[pairs]) for one in references], n)
    mine = _residual(_centred(victim[pairs]), allowed)
    theirs = _residual(_centred(suspect[pairs]), allowed)
    if not mine.any() or not theirs.any():
        return NOTHING
    observed = float(mine @ theirs)
    drawn = _permuted(mine, theirs, allowed, pairs, permutations, np.random.default_rng(seed))
    as_large = int((drawn >= observed - ROUNDING).sum())
    return Mantel(min(1.0, max(-1.0, observed)), (1 + as_large) / (permutations + 1), permutations)


def mantel_of(
    victim: Outputs,
    suspect: Outputs,
    references: Sequence[Outputs],
    *,
    permutations: int = 999,
    seed: int = 0,
) -> Mantel:
    """`partial_mantel` of the cosines among models' answers, as `Outputs.favour` gives them.

    Of more than `MOST_PROBES` probes as many are drawn by the seed. The answers may differ in
    width, but should be of one kind.

    Parameters
    ----------
    victim, suspect, references
        Answers to the same n probes.
    permutations, seed
        As for `partial_mantel`.

    Raises
    ------
    ValueError
        If the numbers of answers differ, or permutations is below 1.
    """
    mine, theirs, *others = _cosines([victim, suspect, *references], seed)
    return partial_mantel(mine, theirs, others, permutations=permutations, seed=seed)


def mantel_each(
    victim: Outputs, models: Sequence[Outputs], *, permutations: int, seed: int = 0
) -> list[Mantel]:
    """`mantel_of` for each of some models, given the others; their cosines are computed once.

    Parameters
    ----------
    victim, models
        Answers to the same n probes.
    permutations, seed
        As for `partial_mantel`.
    """
    mine, *theirs = _cosines([victim, *models], seed)
    return [
        partial_mantel(
            mine, one, [*theirs[:i], *theirs[i + 1 :]], permutations=permutations, seed=seed
        )
        for i, one in enumerate(theirs)
    ]


def _cosines(models: Sequence[Outputs], seed: int) -> list[Matrix]:
    """Each model's cosines among its answers; of many probes those that the seed draws."""
    n = len(models[0])
    if any(len(one) != n for one in models):
        raise ValueError(f"{n} answers against {[len(one) for one in models[1:]]}")
    chosen = np.arange(n)
    if n > MOST_PROBES:
        chosen = np.sort(np.random.default_rng(seed).choice(n, MOST_PROBES, replace=False))
    rows = (unit_rows(one.favour()[chosen]) for one in models)
    return [one @ one.T for one in rows]


def _centred(pairs: NDArray[np.floating]) -> Numbers:
    """Less their mean, scaled to length one; zeros if they do not vary."""
    if not np.isfinite(pairs).all():
        raise ValueError("a matrix with NaN or infinity")
    values = pairs.astype(np.float64)
    largest = float(np.abs(values).max())
    values = values / largest if largest > 0 else values
    values = values - values.mean()
    return _scaled(values, ROUNDING * len(values) ** 0.5)


def _scaled(values: Numbers, least: float) -> Numbers:
    length = float(np.linalg.norm(values))
    return values / length if length > least else np.zeros_like(values)


def _allowed(references: list[Numbers], n: int) -> Numbers:
    """Orthonormal columns, (pairs, rank), of what the references explain beside the intercept."""
    from scipy.linalg import orth

    varying = [one for one in references if one.any()]
    if not varying:
        return np.empty((n * (n - 1) // 2, 0))
    columns = np.stack(varying, axis=1)
    if PROBES_A_REFERENCE * len(varying) > n:
        columns = columns.mean(axis=1, keepdims=True)
    basis: Numbers = orth(columns, rcond=ROUNDING)
    return basis


def _residual(values: Numbers, allowed: Numbers) -> Numbers:
    return _scaled(values - allowed @ (allowed.T @ values), ROUNDING)


def _permuted(
    mine: Numbers,
    theirs: Numbers,
    allowed: Numbers,
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]],
    permutations: int,
    rng: np.random.Generator,
) -> Numbers:
    """Correlations of `mine` with `theirs` in random orders of the probes, (permutations,)."""
    n = int(pairs[1][-1]) + 1
    matrix = np.zeros((n, n))
    matrix[pairs] = theirs
    matrix += matrix.T
    correlations = np.empty(permutations)
    step = max(1, AT_ONCE // len(mine))
    for start in range(0, permutations, step):
        some = slice(start, min(start + step, permutations))
        orders = rng.permuted(np.tile(np.arange(n), (some.stop - start, 1)), axis=1)
        rows = matrix.ravel()[n * orders[:, pairs[0]] + orders[:, pairs[1]]]
        left = 1 - ((rows @ allowed) ** 2).sum(axis=1)
        correlations[some] = rows @ mine / np.sqrt(np.maximum(left, ROUNDING))
    return correlations
