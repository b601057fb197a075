"""How much of the victim it takes to explain a model, beyond what other models explain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.outputs import Outputs, common_classes, unit_rows
from birthmark.scores.base import ANSWERS, SCORES, Pooled, Pools, Stand
from birthmark.scores.lined_up import all_keep_names, keeps_names, lined_up, order_of, ordered
from birthmark.scores.vectors import Rows, correlations_of, scaled

Matrix = NDArray[np.float64]
DIGITS = 9
"""Models that are equally close shall tie, and not be told apart by rounding."""


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
    matches
        Whether models may name their classes otherwise (`birthmark.scores.lined_up`).
    """

    kinds = ANSWERS
    block = 1

    def __init__(self, *, of: str | None, ridge: str, matches: bool = True) -> None:
        self.of = of
        self.ridge = float(ridge)
        self.matches = matches

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

        The products of all models are computed once for each way to line them up.
        """
        victim, *everyone = common_classes([victim, *background, *models])
        first = len(background)
        fits = [_comparable(victim, one) for one in everyone]
        kept = [fit and self._keeps(victim, one) for fit, one in zip(fits, everyone, strict=True)]
        products: dict[str, Matrix] = {}

        def numbers(pool: Sequence[int]) -> list[float]:
            some = [first + i for i in pool]
            as_points = self.of != "pairs" and not background and all(fits[i] for i in some)
            if self.of == "points" and not as_points:
                raise BirthmarkError(
                    "answers",
                    "are embeddings, or have other classes than the victim's",
                    f"use partial-pairs{self.ridge:g}",
                )
            way = "pairs"
            if as_points:
                known = [kept[i] for i in some]
                named = all_keep_names(victim, [everyone[i] for i in some], known)
                way = "named" if named else "matched"
            if way not in products:
                products[way] = _products(victim, everyone, fits, way)
            chosen = [0, *(1 + i for i in some), *range(1, 1 + first)]
            return self._coefficients(products[way], chosen)[: len(pool)]

        return numbers

    def _keeps(self, victim: Outputs, model: Outputs) -> bool:
        return not self.matches or keeps_names(victim, model)

    def settled(self, victim: Outputs, models: Sequence[Outputs]) -> tuple[Partial, list[Outputs]]:
        """The same score of classes taken as they are, and the models with the victim's."""
        victim, *others = common_classes([victim, *models])
        plain = Partial(of=self.of, ridge=str(self.ridge), matches=False)
        if self.of == "pairs" or not self.matches:
            return plain, others
        if not all(_comparable(victim, one) for one in others):
            return plain, others
        return plain, lined_up(victim, others)

    def among(self, models: Sequence[Outputs]) -> Stand:
        """Numbers of pools of models by any one of them, classes as they are named."""
        one, *others = common_classes(models)
        fits = [_comparable(one, other) for other in others]
        products: dict[str, Matrix] = {}

        def numbers(victim: int, pool: Sequence[int]) -> list[float]:
            way = "named" if self.of != "pairs" and all(fits) else "pairs"
            if way not in products:
                products[way] = _products(one, others, fits, way)
            return self._coefficients(products[way], [victim, *pool])

        return numbers

    def without_each(self, victim: Outputs, pool: Sequence[Outputs]) -> Matrix:
        """The numbers without probe i, float64 (n, pool); classes stay lined up as with all."""
        victim, *models = common_classes([victim, *pool])
        as_points = self.of != "pairs" and all(_comparable(victim, one) for one in models)
        if as_points and self.matches:
            models = lined_up(victim, models)
        rows = [
            unit_rows(one.favour()).astype(np.float32).astype(np.float64)
            for one in (victim, *models)
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
            among = scaled(products - part @ part.T, sums - part.sum(axis=1), length)
            numbers[i] = self._coefficients(among, list(range(len(rows))))
        return numbers

    def _coefficients(self, products: Matrix, chosen: list[int]) -> list[float]:
        among = products[np.ix_(chosen, chosen)] + self.ridge * np.eye(len(chosen))
        precision = np.linalg.inv(among)
        coefficients = (1 + precision[0] / np.diag(precision))[1:]
        numbers: list[float] = np.round(coefficients, DIGITS).tolist()
        return numbers


def correlations(frame: Outputs, models: Sequence[Outputs], *, matches: bool = True) -> Matrix:
    """Correlations of the models' answers with each other, as `Partial` takes them.

    Parameters
    ----------
    frame
        The victim's answers, with which classes are lined up; it is not among the models.
    models
        Answers of one kind to the same probes.
    matches
        Whether classes may be named otherwise.

    Returns
    -------
    ndarray
        float64 (models, models): of all answers where all have the victim's classes, else of their
        correlations among the probes.
    """
    frame, *others = common_classes([frame, *models])
    fits = [_comparable(frame, one) for one in others]
    named = not matches or (all(fits) and all_keep_names(frame, others))
    way = "pairs" if not all(fits) else "named" if named else "matched"
    return _products(frame, others, fits, way)[1:, 1:]


def _comparable(victim: Outputs, model: Outputs) -> bool:
    """Whether a model's answers line up with the victim's, class by class."""
    return (
        victim.kind.tells_classes and model.kind is victim.kind and model.classes == victim.classes
    )


def _products(victim: Outputs, models: Sequence[Outputs], fits: Sequence[bool], way: str) -> Matrix:
    """Correlations of the victim and the models; as points, those of other classes are left 0."""
    if way == "pairs":
        return correlations_of(
            [Rows(one) for one in (victim, *models)], len(victim), as_points=False
        )
    places = [0, *(1 + i for i, fit in enumerate(fits) if fit)]
    chosen = [models[i - 1] for i in places[1:]]
    if way == "matched":
        chosen = [ordered(one, order_of(victim, one)) for one in chosen]
    found = np.zeros((1 + len(models), 1 + len(models)))
    rows = [Rows(one) for one in (victim, *chosen)]
    found[np.ix_(places, places)] = correlations_of(rows, len(victim), as_points=True)
    return found


SCORES.register(
    r"partial(?:-(?P<of>points|pairs))?(?P<ridge>\d+(?:\.\d+)?)", example="partial0.03"
)(Partial)
