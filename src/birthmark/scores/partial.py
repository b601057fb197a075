"""How much of the victim it takes to explain a model, beyond what other models explain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.outputs import Outputs, unit_rows
from birthmark.scores.base import ANSWERS, SCORES, Pooled, Pools
from birthmark.scores.lined_up import lined_up

Matrix = NDArray[np.float64]
AT_ONCE = 1 << 24
"""How many correlations are held at a time."""


class Partial(Pooled):
    """1 - the coefficient of the victim when a model is explained by the victim and the others.

    Every model is a vector: its answers, probe by probe and class by class (`points`), or its
    correlations among the probes (`pairs`), which need no common classes. Each model of the pool is
    regressed on the victim, all others of the pool and the background. What every model of the task
    has in common, and what those of a lineage have, the others explain; what is the victim's alone,
    only the victim can.

    All models of the pool are treated alike, so an innocent suspect's rank among the references
    is uniform. All coefficients come from one inverse of the matrix of products (the precision
    matrix), with a ridge.

    Source: ours; it turns the partial comparison of correlation matrices of
    representational-similarity analysis into an exchangeable score.

    Parameters
    ----------
    of
        `points`, `pairs`, or None: points where all models of the pool have the victim's
        number of classes and no background is given, which is given for models of another label
        set; else pairs.
    ridge
        Added to the products of vectors of length one.
    """

    kinds = ANSWERS
    block = 1

    def __init__(self, *, of: str | None, ridge: str) -> None:
        self.of = of
        self.ridge = float(ridge)

    @property
    def name(self) -> str:
        """`partial<ridge>`, `partial-points<ridge>` or `partial-pairs<ridge>`."""
        return f"partial{'' if self.of is None else f'-{self.of}'}{self.ridge:g}"

    @property
    def lines_up(self) -> bool:
        """Only for `points`."""
        return self.of == "points"

    def pools(
        self, victim: Outputs, models: Sequence[Outputs], background: Sequence[Outputs] = ()
    ) -> Pools:
        """About 0 for a copy, about 1 for a model that owes the victim nothing.

        The products of all models are computed once.
        """
        forms = [one.favour() for one in (victim, *background, *models)]
        same = [victim.kind.tells_classes and form.shape == forms[0].shape for form in forms]
        products: dict[bool, Matrix] = {}
        first = 1 + len(background)

        def numbers(pool: Sequence[int]) -> list[float]:
            as_points = self.of != "pairs" and not background and all(same[first + i] for i in pool)
            if self.of == "points" and not as_points:
                raise BirthmarkError(
                    "answers",
                    "are embeddings, or of other classes than the victim's",
                    f"use partial-pairs{self.ridge:g}",
                )
            if as_points not in products:
                products[as_points] = _products(forms, same, as_points=as_points)
            chosen = [0, *(first + i for i in pool), *range(1, first)]
            return self._coefficients(products[as_points], chosen)[: len(pool)]

        return numbers

    def without_each(self, victim: Outputs, pool: Sequence[Outputs]) -> Matrix:
        """The numbers without probe i, float64 (n, pool); classes stay lined up as with all."""
        forms = [one.favour() for one in (victim, *pool)]
        same = victim.kind.tells_classes and all(form.shape == forms[0].shape for form in forms)
        as_points = self.of != "pairs" and same
        rows = [
            one.astype(np.float64)
            for one in _rows(forms, [as_points] * len(forms), as_points=as_points)
        ]
        n = len(victim)

        def vectors(i: int) -> Matrix:
            """What probe i adds to every model's vector, (models, ...)."""
            return np.stack([one[i] if as_points else one @ one[i] for one in rows])

        products, sums = np.zeros((len(rows), len(rows))), np.zeros(len(rows))
        for i in range(n):
            part = vectors(i) if as_points else vectors(i)[:, i + 1 :]
            products += part @ part.T
            sums += part.sum(axis=1)
        length = (n - 1) * rows[0].shape[1] if as_points else (n - 1) * (n - 2) // 2
        numbers = np.empty((n, len(pool)))
        for i in range(n):
            part = vectors(i) if as_points else np.delete(vectors(i), i, axis=1)
            among = _correlations(products - part @ part.T, sums - part.sum(axis=1), length)
            numbers[i] = self._coefficients(among, list(range(len(rows))))
        return numbers

    def _coefficients(self, products: Matrix, chosen: list[int]) -> list[float]:
        among = products[np.ix_(chosen, chosen)] + self.ridge * np.eye(len(chosen))
        precision = np.linalg.inv(among)
        coefficients: list[float] = (1 + precision[0] / np.diag(precision))[1:].tolist()
        return coefficients


def correlations(frame: Outputs, models: Sequence[Outputs]) -> Matrix:
    """Correlations of the models' answers with each other, as `Partial` takes them.

    Parameters
    ----------
    frame
        The victim's answers, with which classes are lined up; it is not among the models.
    models
        Answers of one kind to the same probes.

    Returns
    -------
    ndarray
        float64 (models, models): of all answers where all have the victim's classes, else of their
        correlations among the probes.
    """
    forms = [one.favour() for one in (frame, *models)]
    same = [frame.kind.tells_classes and one.shape == forms[0].shape for one in forms]
    return _products(forms, same, as_points=all(same))[1:, 1:]


def _products(forms: Sequence[Matrix], same: Sequence[bool], *, as_points: bool) -> Matrix:
    """Products of all models' vectors; as points, those of other classes explain nothing."""
    rows = _rows(forms, same, as_points=as_points)
    n = len(rows[0])
    if as_points:
        vectors = np.stack([one.ravel() for one in rows])
        return _correlations(vectors @ vectors.T, vectors.sum(axis=1), vectors.shape[1])
    total, sums = np.zeros((len(rows), len(rows))), np.zeros(len(rows))
    step = max(1, AT_ONCE // (n * len(rows)))
    for start in range(0, n, step):
        later = np.arange(n) > np.arange(start, min(start + step, n))[:, None]
        vectors = np.stack([(one[start : start + step] @ one.T)[later] for one in rows])
        total += vectors @ vectors.T
        sums += vectors.sum(axis=1, dtype=np.float64)
    return _correlations(total, sums, n * (n - 1) // 2)


def _rows(
    forms: Sequence[Matrix], same: Sequence[bool], *, as_points: bool
) -> list[NDArray[np.float32]]:
    """Every model's answers, scaled to length one; as points, with its classes lined up."""
    victim = forms[0]
    if as_points:
        forms = [
            lined_up(victim, form) if fits else np.zeros_like(victim)
            for form, fits in zip(forms, same, strict=True)
        ]
    return [unit_rows(form).astype(np.float32) for form in forms]


def _correlations(products: NDArray[Any], sums: NDArray[Any], length: int) -> Matrix:
    """Pearson's, from sums of products; 0 for a vector that does not vary."""
    centred = products.astype(np.float64) - np.outer(sums, sums) / length
    scale = np.sqrt(np.maximum(np.diag(centred), 0))
    scale = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 1e-6 * length**0.5)
    correlations: Matrix = centred * np.outer(scale, scale)
    return correlations


SCORES.register(
    r"partial(?:-(?P<of>points|pairs))?(?P<ridge>\d+(?:\.\d+)?)", example="partial0.03"
)(Partial)
