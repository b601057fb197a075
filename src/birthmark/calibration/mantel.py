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
    mine, theirs, *others = (_centred(one) for one in (victim, suspect, *references))
    allowed = _Allowed(others, n)
    basis = allowed.basis(range(len(others)))
    mine, theirs = _residual(mine, basis), _residual(theirs, basis)
    if not mine.any() or not theirs.any():
        return NOTHING
    observed = float(mine @ theirs)
    drawn = _permuted(mine, theirs, basis, _orders(n, permutations, seed))
    return _counted(observed, drawn)


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
    mine, *theirs = (_centred(one) for one in _cosines([victim, *models], seed))
    n = min(len(victim), MOST_PROBES)
    if n < LEAST_PROBES:
        return [NOTHING] * len(theirs)
    allowed = _Allowed(theirs, n)
    m = len(theirs)
    spans = [allowed.span([j for j in range(m) if j != i]) for i in range(m)]
    left, victims = np.empty((m, len(mine))), np.empty((m, len(mine)))
    for i, (one, span) in enumerate(zip(theirs, spans, strict=True)):
        basis = allowed.columns @ span
        left[i], victims[i] = _residual(one, basis), mine - basis @ (basis.T @ mine)
    lengths = np.linalg.norm(victims, axis=1)
    orders = _orders(n, permutations, seed)
    drawn = _each_permuted(mine, left, allowed.columns, spans, lengths, orders)
    return [
        _counted(float(victim @ one) / length, some) if one.any() and length > ROUNDING else NOTHING
        for victim, one, length, some in zip(victims, left, lengths, drawn, strict=True)
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


def _centred(matrix: Matrix) -> Numbers:
    """A matrix's pairs less their mean, scaled to length one; zeros if they do not vary."""
    pairs = matrix[np.triu_indices(len(matrix), 1)]
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


class _Allowed:
    """What references explain beside the intercept, in coordinates of a basis of all of them.

    Attributes
    ----------
    columns
        Orthonormal, (pairs, at most as many as references).
    """

    def __init__(self, references: Sequence[Numbers], n: int) -> None:
        self.n = n
        self.varying = [bool(one.any()) for one in references]
        stacked = np.stack(references, axis=1) if references else np.empty((n * (n - 1) // 2, 0))
        self.columns, self._places = np.linalg.qr(stacked)

    def span(self, some: Sequence[int]) -> Numbers:
        """Orthonormal columns, (columns, rank), of what some references explain."""
        from scipy.linalg import orth

        within = self._places[:, [i for i in some if self.varying[i]]]
        if not within.size:
            return np.empty((len(within), 0))
        if PROBES_A_REFERENCE * within.shape[1] > self.n:
            within = within.mean(axis=1, keepdims=True)
        found: Numbers = orth(within, rcond=ROUNDING)
        return found

    def basis(self, some: Sequence[int]) -> Numbers:
        """The same as pairs, (pairs, rank)."""
        found: Numbers = self.columns @ self.span(some)
        return found


def _residual(values: Numbers, basis: Numbers) -> Numbers:
    return _scaled(values - basis @ (basis.T @ values), ROUNDING)


def _counted(observed: float, drawn: Numbers) -> Mantel:
    as_large = int((drawn >= observed - ROUNDING).sum())
    return Mantel(min(1.0, max(-1.0, observed)), (1 + as_large) / (len(drawn) + 1), len(drawn))


def _orders(n: int, permutations: int, seed: int) -> NDArray[np.int64]:
    """Random orders of the probes, (permutations, n)."""
    rng = np.random.default_rng(seed)
    return rng.permuted(np.tile(np.arange(n), (permutations, 1)), axis=1)


def _square(pairs: Numbers, n: int) -> Numbers:
    """Pairs (m, pairs) as symmetric matrices, (m, n, n)."""
    found = np.zeros((len(pairs), n, n))
    upper = np.triu_indices(n, 1)
    found[:, *upper] = pairs
    return found + found.transpose(0, 2, 1)


def _permuted(mine: Numbers, theirs: Numbers, basis: Numbers, orders: NDArray[np.int64]) -> Numbers:
    """Correlations of `mine` with `theirs` in random orders of the probes, (permutations,)."""
    n = orders.shape[1]
    (matrix,) = _square(theirs[None], n)
    first, second = np.triu_indices(n, 1)
    correlations = np.empty(len(orders))
    step = max(1, AT_ONCE // len(mine))
    for start in range(0, len(orders), step):
        some = orders[start : start + step].astype(np.int32)
        rows = matrix.ravel()[n * some[:, first] + some[:, second]]
        left = 1 - ((rows @ basis) ** 2).sum(axis=1)
        correlations[start : start + step] = rows @ mine / np.sqrt(np.maximum(left, ROUNDING))
    return correlations


def _each_permuted(
    mine: Numbers,
    theirs: Numbers,
    columns: Numbers,
    spans: Sequence[Numbers],
    lengths: Numbers,
    orders: NDArray[np.int64],
) -> Numbers:
    """The same for each of `theirs` (m, pairs) with a span of its own, (m, permutations).

    Each span leaves of `mine` what has the length (m,) that is given.

    To reorder one of two symmetric matrices is to reorder the other inversely: so the victim and
    what references explain are reordered, once for all.
    """
    n = orders.shape[1]
    first, second = np.triu_indices(n, 1)
    both = np.column_stack([mine, columns])
    cells = np.ascontiguousarray(_square(both.T, n).reshape(both.shape[1], -1).T)
    own = columns.T @ mine
    parts = [span.T @ own for span in spans]
    correlations = np.empty((len(theirs), len(orders)))
    for place, order in enumerate(np.argsort(orders, axis=1)):
        products = theirs @ cells[n * order[first] + order[second]]
        for i, (span, part, length) in enumerate(zip(spans, parts, lengths, strict=True)):
            explained = products[i, 1:] @ span
            left = max(1 - float(explained @ explained), ROUNDING)
            together = products[i, 0] - float(explained @ part)
            correlations[i, place] = together / max(length, ROUNDING) / left**0.5
    return correlations
