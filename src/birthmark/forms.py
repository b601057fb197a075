"""How much of its answers a model tells: the largest only, or rounded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birthmark.outputs import Kind, Outputs, unit_rows

MOST_DIGITS = 4
"""More digits change nothing that a score sees."""
EXACT = 1e-6


@dataclass(frozen=True)
class Form:
    """What was done to answers after the model gave them.

    Attributes
    ----------
    largest
        Only so many of the largest probabilities are told; None for all.
    scaled
        Whether those that are told were scaled to the sum of one.
    digits
        Digits after the point; None for all.
    """

    largest: int | None = None
    scaled: bool = False
    digits: int | None = None

    def __bool__(self) -> bool:
        """Whether anything was done."""
        return self.largest is not None or self.digits is not None

    def of(self, outputs: Outputs) -> Outputs:
        """The same done to other answers of the same kind."""
        if self.largest is not None and self.largest < outputs.classes:
            outputs = largest(outputs, self.largest, scaled=self.scaled)
        return outputs if self.digits is None else rounded(outputs, self.digits)

    @property
    def sentence(self) -> str:
        """What was done, in words."""
        told = "" if self.largest is None else f"tells the {self.largest} largest probabilities"
        short = "" if self.digits is None else f"rounds to {self.digits} digits"
        return (
            f"The suspect {' and '.join(part for part in (told, short) if part)}; the victim's and"
            " the reference models' answers were treated alike before the comparison, since"
            " otherwise an innocent that answers so could look derived."
        )


def form_of(outputs: Outputs) -> Form:
    """What was done to probabilities or embeddings, as far as they show it.

    Answers tell their form if every one of them has it: at least two probabilities that are the
    smallest and exactly equal, or no more than four digits.
    """
    values = outputs.values
    if outputs.kind is Kind.EMBEDDINGS:
        return Form(digits=_digits(values))
    if outputs.kind is not Kind.PROBABILITIES:
        return Form()
    digits = _digits(values)
    low = values.min(axis=1, keepdims=True)
    alike = values == low
    told = values.shape[1] - alike.sum(axis=1)
    if told.max() > values.shape[1] - 2:
        return Form(digits=digits)
    sums = np.where(alike, 0, values).sum(axis=1)
    slack = EXACT if digits is None else values.shape[1] * 10.0**-digits
    scaled = bool((low == 0).all() and (abs(sums - 1) <= slack).all() and digits is None)
    return Form(largest=max(1, int(told.max())), scaled=scaled, digits=digits)


def largest(outputs: Outputs, count: int, *, scaled: bool = False) -> Outputs:
    """Probabilities of which only the largest are told; the rest is spread evenly, or scaled away.

    Parameters
    ----------
    outputs
        Probabilities (n, width).
    count
        1 to width.
    scaled
        Whether those that are told are scaled to the sum of one.
    """
    values = outputs.values.astype(np.float32)
    rest = np.argsort(-values, axis=1, kind="stable")[:, count:]
    np.put_along_axis(values, rest, 0, 1)
    sums = values.sum(axis=1, keepdims=True)
    if scaled:
        values /= np.maximum(sums, EXACT)
    elif rest.size:
        np.put_along_axis(values, rest, np.maximum(1 - sums, 0) / rest.shape[1], 1)
    return Outputs(values, outputs.kind, outputs.classes)


def rounded(outputs: Outputs, digits: int) -> Outputs:
    """Probabilities, or embeddings of length one, with so many digits after the point."""
    values = outputs.values.astype(np.float64)
    if outputs.kind is Kind.EMBEDDINGS:
        values = unit_rows(values)
    return Outputs(np.round(values, digits).astype(np.float32), outputs.kind, outputs.classes)


def _digits(values: NDArray[np.float32] | NDArray[np.int64]) -> int | None:
    for digits in range(1, MOST_DIGITS + 1):
        if bool((abs(values - np.round(values, digits)) <= EXACT).all()):
            return digits
    return None
