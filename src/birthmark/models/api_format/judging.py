"""Answers that were taken one by one, as rows of one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.api_format.document import shown
from birthmark.models.api_format.reading import SLACK, Label, Reading, Taken

LEAST = 1e-6
HOW = "; the paid answers are kept, and reading them again costs nothing"


class Judging:
    """Turns what was taken into outputs; classes keep their order from one batch to the next.

    Parameters
    ----------
    reading
        What the answers are.
    source
        Who answered, for messages.
    """

    def __init__(self, reading: Reading, source: str) -> None:
        self._reading = reading
        self._source = source
        self._places: dict[Label, int] | None = None
        self._shared: dict[int, list[int]] = {}
        if reading.classes:
            self._places = {label: i for i, label in reversed(list(enumerate(reading.classes)))}
        if reading.merge:
            for i, label in enumerate(reading.classes):
                self._shared.setdefault(reading.classes.index(label), []).append(i)

    def outputs(self, taken: Sequence[Taken], names: Sequence[str]) -> Outputs:
        """Rows for the answers to these probes, in their order.

        Raises
        ------
        BirthmarkError
            If labels are not among the classes, or numbers are none of the declared kind.
        """
        kind = self._reading.output
        if not taken:
            return self._nothing(kind)
        if kind is Kind.LABELS:
            labels = np.array(
                [self._place(one, name) for one, name in zip(taken, names, strict=True)]
            )
            outputs = Outputs.checked(labels.astype(np.int64), kind, self._source)
            return replace(outputs, classes=max(outputs.classes, len(self._reading.classes)))
        rows = [self._row(one, name) for one, name in zip(taken, names, strict=True)]
        for row, name in zip(rows, names, strict=True):
            if len(row) != len(rows[0]):
                raise self._error(
                    f"answered {names[0]} with {len(rows[0])} numbers, {name} with {len(row)}",
                    "point path at the same count each time, or declare kind = 'top-k'",
                )
        return Outputs.checked(np.array(rows), kind, self._source)

    def _nothing(self, kind: Kind) -> Outputs:
        """What there is if every image was refused."""
        width = max(2, len(self._places or ()))
        values = np.empty(0, np.int64) if kind is Kind.LABELS else np.empty((0, width), np.float32)
        return Outputs(values, kind, width)

    def _row(self, taken: Taken, name: str) -> NDArray[np.float64]:
        scale = self._reading.scale if self._reading.output is Kind.PROBABILITIES else 1.0
        if self._reading.kind == "top-k":
            return self._spread(taken, scale, name)
        if isinstance(taken, dict):
            if self._places is None:
                ordered = sorted(taken, key=str)
                self._places = {label: i for i, label in enumerate(ordered)}
            row = np.full(len(self._reading.classes) or len(self._places), np.nan)
            for label, score in taken.items():
                self._put(row, self._place(label, name), score)
            if np.isnan(row).any():
                raise self._error(
                    f"gave {len(taken)} of {len(row)} classes for {name}",
                    "declare kind = 'top-k' if it only gives some",
                )
        else:
            row = np.array(taken, dtype=np.float64)
        return row / scale

    def _spread(self, taken: Taken, scale: float, name: str) -> NDArray[np.float64]:
        """All classes' probabilities from those of the largest, as `forms.largest` leaves them."""
        row = np.zeros(len(self._reading.classes))
        told = np.zeros(len(row), dtype=bool)
        for label, score in (taken if isinstance(taken, dict) else {}).items():
            place = self._place(label, name)
            if told[place]:
                raise self._error(f"gave {shown(label)} twice for {name}", "fix the paths")
            self._put(row, place, score / scale)
            self._put(told, place, True)
        total, left = row.sum(), len(row) - told.sum()
        if row.min() < 0 or (total > 1 + SLACK and self._reading.rest == "spread"):
            raise self._error(
                f"gave the labels of {name} a sum of {total:.3g}",
                "declare scale = 100 for percentages, or rest = 'nothing' if scores are not"
                " probabilities",
            )
        if self._reading.rest == "nothing":
            if total < LEAST:
                raise self._error(f"gave no score for {name}", "declare rest = 'spread'")
            row /= total
            return row
        each = max(1 - total, 0) / left if left else 0.0
        if told.any() and each > row[told].min() + SLACK:
            raise self._error(
                f"left {each:.3g} to each unlisted class of {name}, more than to a listed one",
                "declare rest = 'nothing', since scores are not probabilities of these classes",
            )
        row[~told] = each
        return row

    def _put(self, row: NDArray[Any], place: int, score: float) -> None:
        """A score at the place of a class; classes of one name share it."""
        places = self._shared.get(place, [place])
        row[places] = score if row.dtype == bool else score / len(places)

    def _place(self, label: object, name: str) -> int:
        if self._places is not None:
            for known in (label, str(label)):
                if isinstance(known, str | int) and known in self._places:
                    return self._places[known]
            raise self._error(
                f"called {name} {shown(label)}, which is not among the {len(self._places)} classes",
                "list every label in classes",
            )
        if isinstance(label, int):
            return label
        raise self._error(
            f"called {name} {shown(label)}, but no classes are listed",
            "list every label in classes",
        )

    def _error(self, problem: str, fix: str) -> BirthmarkError:
        return BirthmarkError(self._source, problem, fix + HOW)
