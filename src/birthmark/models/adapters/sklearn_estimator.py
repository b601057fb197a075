"""scikit-learn classifiers, passed in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.outputs import Kind
from birthmark.models.adapters.base import ADAPTERS
from birthmark.models.adapters.callable import CallableSuspect

METHODS = {
    Kind.LOGITS: "decision_function",
    Kind.PROBABILITIES: "predict_proba",
    Kind.LABELS: "predict",
}


class SklearnSuspect(CallableSuspect):
    """A fitted classifier on flattened images; its classes are numbered by `classes_`.

    Parameters
    ----------
    estimator
        The fitted estimator. It is passed in Python and never unpickled here.
    fields
        The declaration's fields; the layout is `flat`.
    name
        How messages call it; its class's name if not given.
    lineage
        Its kind, if known.

    Raises
    ------
    BirthmarkError
        If the estimator cannot answer with the declared output.
    """

    batch: int | None = 256
    adapter = "sklearn"

    def __init__(
        self,
        estimator: Any,
        fields: dict[str, Any],
        *,
        name: str | None = None,
        lineage: str | None = None,
    ) -> None:
        self._estimator = estimator
        name = name or type(estimator).__name__
        super().__init__(self._answers, {"layout": "flat"} | fields, name=name, lineage=lineage)
        method = METHODS.get(self._declaration.output)
        if method is None or not hasattr(estimator, method):
            able = [kind.value for kind, method in METHODS.items() if hasattr(estimator, method)]
            raise BirthmarkError(
                name,
                f"{type(estimator).__name__} has no {self._declaration.output}",
                f"declare one of {', '.join(able)}",
            )
        self._method = method

    def _answers(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        values: NDArray[Any] = getattr(self._estimator, self._method)(batch)
        if self._declaration.output is Kind.LABELS:
            return np.searchsorted(self._estimator.classes_, values)
        return values


ADAPTERS.register(r"sklearn", example="sklearn")(lambda: SklearnSuspect)
