"""How much of its answers a model tells: the largest only, or rounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.data.outputs import Kind, Outputs, unit_rows

MOST_DIGITS = 4
"""More digits change nothing that a score sees."""
EXACT = 1e-6
STEPS = tuple(
    float(f"{unit}e{power}") for power in range(1, -MOST_DIGITS - 1, -1) for unit in (5, 2, 1)
)
"""What similarities may be rounded to, the coarsest first: 50 to 0.0001."""
NEARLY = 0.01
"""Multiples in float32 are off by so much of a step at most."""


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
    matching
        Of similarities: the share of pairs that match, where no more is told; None for more.
    step
        Of similarities: what they are rounded to, in their standard deviations, since a service's
        scale is its own; None for nothing.
    """

    largest: int | None = None
    scaled: bool = False
    digits: int | None = None
    matching: float | None = None
    step: float | None = None

    def __bool__(self) -> bool:
        """Whether anything was done."""
        return self != Form()

    def of(self, outputs: Outputs) -> Outputs:
        """The same done to other answers of the same kind."""
        if self.matching is not None:
            return matched(outputs, self.matching)
        if self.step is not None:
            return stepped(outputs, self.step)
        if self.largest is not None and self.largest < outputs.classes:
            outputs = largest(outputs, self.largest, scaled=self.scaled)
        return outputs if self.digits is None else rounded(outputs, self.digits)

    @property
    def sentence(self) -> str:
        """What was done, in words."""
        told = ""
        if self.largest is not None:
            most = "largest number" if self.largest == 1 else f"{self.largest} largest numbers"
            told = f"gives only the {most}"
        short = "" if self.digits is None else f"rounds to {self.digits} digits"
        if self.matching is not None:
            told = f"only says whether two images match ({self.matching:.0%} do)"
        if self.step is not None:
            short = f"rounds similarities to {self.step:.2g} of their standard deviation"
        return (
            f"The suspect {' and '.join(part for part in (told, short) if part)}. The answers of"
            f" the victim and the references were treated the same way before the comparison,"
            f" since an innocent model that answers like this could otherwise look derived."
        )


def form_of(outputs: Outputs) -> Form:
    """What was done to probabilities, embeddings or similarities, as far as they show it.

    Answers tell their form if every one of them has it: at least two probabilities that are the
    smallest and exactly equal, or no more than four digits; similarities two values, or multiples
    of a round number.
    """
    values = outputs.values
    if outputs.kind is Kind.SIMILARITIES:
        return _of_similarities(values)
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


def two_valued(values: NDArray[Any]) -> bool:
    """Whether similarities are match and no match, whatever numbers stand for these."""
    return bool(((values == values.min()) | (values == values.max())).all())


def matched(outputs: Outputs, share: float) -> Outputs:
    """Similarities as 1 and 0: the highest `share` of all match; of two values, the higher."""
    values = outputs.values
    threshold = values.max()
    if not two_valued(values):
        threshold = np.sort(values, axis=None)[-max(1, round(share * values.size))]
    return Outputs((values >= threshold).astype(np.float32), outputs.kind, outputs.classes)


def stepped(outputs: Outputs, step: float) -> Outputs:
    """Similarities rounded to multiples of `step` of their standard deviations."""
    values = outputs.values.astype(np.float64)
    unit = step * values.std() or 1.0
    return Outputs(
        (np.round(values / unit) * unit).astype(np.float32), outputs.kind, outputs.classes
    )


def _of_similarities(values: NDArray[np.float32] | NDArray[np.int64]) -> Form:
    if two_valued(values):
        return Form(matching=float((values == values.max()).mean()))
    exact = values.astype(np.float64)
    for step in STEPS:
        if bool((abs(exact / step - np.round(exact / step)) <= NEARLY).all()):
            return Form(step=step / float(exact.std()))
    return Form()


def _digits(values: NDArray[np.float32] | NDArray[np.int64]) -> int | None:
    for digits in range(1, MOST_DIGITS + 1):
        if bool((abs(values - np.round(values, digits)) <= EXACT).all()):
            return digits
    return None
