"""What a model answers: values of a stated kind, checked before they are used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.digests import sha256
from birthmark.common.errors import BirthmarkError

MAX_WIDTH = 1 << 20
SUM_TOLERANCE = 1e-2
LEAST = 1e-30


class Kind(StrEnum):
    """What the numbers of an answer are."""

    LOGITS = "logits"
    PROBABILITIES = "probabilities"
    LABELS = "labels"
    EMBEDDINGS = "embeddings"
    SIMILARITIES = "similarities"
    """Of each image to m reference images, on any scale; match and no match are 1 and 0."""

    @property
    def tells_classes(self) -> bool:
        """Whether a predicted class follows from it."""
        return self in COARSER


COARSER = (Kind.LOGITS, Kind.PROBABILITIES, Kind.LABELS)
"""Each kind can be turned into those after it."""
WITHOUT_CLASSES = (Kind.EMBEDDINGS, Kind.SIMILARITIES)
"""Of models that tell faces apart; embeddings can be turned into similarities."""


@dataclass(frozen=True)
class Outputs:
    """Answers to n images.

    Attributes
    ----------
    values
        float32 (n, width), or int64 (n,) for labels. Similarities are (n, m): to the first m of the
        n images, whose own rows mean nothing and may be zeros.
    kind
        What the values are.
    classes
        For labels, how many classes there are at least; otherwise the width.
    """

    values: NDArray[np.float32] | NDArray[np.int64]
    kind: Kind
    classes: int

    @classmethod
    def checked(cls, values: object, kind: Kind, source: str) -> Outputs:
        """Take a model's raw answer, or say what is wrong with it.

        Parameters
        ----------
        values
            Anything numpy takes as an array: (n, width), or (n,) or (n, 1) for labels. Logits and
            probabilities (n, 1) are those of the second of two classes.
        kind
            What the model declares its answers to be.
        source
            Which model answered, for messages.

        Raises
        ------
        BirthmarkError
            If shape, dtype or values do not fit the kind.
        """
        array = _array(values, source)
        if kind is Kind.LABELS:
            return _labels(array, source)
        if kind.tells_classes and array.ndim == 2 and array.shape[1] == 1:
            array = _two_classes(array, kind, source)
        if array.ndim != 2 or not 2 <= array.shape[1] <= MAX_WIDTH:
            raise BirthmarkError(
                source,
                f"answers have the shape {array.shape}",
                f"{kind} should be (images, numbers per image) with at least two numbers; declare"
                " class numbers with --output labels",
            )
        with np.errstate(over="ignore"):
            floats = np.ascontiguousarray(array, dtype=np.float32)
        _require_finite(floats, source)
        if len(floats) and kind is Kind.PROBABILITIES:
            _require_probabilities(floats, source)
        return cls(floats, kind, floats.shape[1])

    def __len__(self) -> int:
        return len(self.values)

    @property
    def digest(self) -> str:
        """Digest of kind, shape and values (little-endian)."""
        head = f"{self.kind} {'x'.join(map(str, self.values.shape))}\n".encode()
        dtype = "<i8" if self.kind is Kind.LABELS else "<f4"
        return sha256(head, np.ascontiguousarray(self.values, dtype=dtype).tobytes())

    def predicted(self) -> NDArray[np.int64]:
        """The predicted class of each image, int64 (n,); not for embeddings or similarities."""
        if self.kind is Kind.LABELS:
            return self.values.astype(np.int64)
        best: NDArray[np.int64] = self.values.argmax(axis=1).astype(np.int64)
        return best

    def to(self, kind: Kind) -> Outputs:
        """The same answers as a coarser kind: logits to probabilities to labels.

        Raises
        ------
        ValueError
            If the kind is a finer one, or one of the two has no classes; for similarities of
            embeddings see `birthmark.scores.correlation.similarities`.
        """
        if kind is self.kind:
            return self
        if not kind.tells_classes or kind not in coarser(self.kind):
            raise ValueError(f"{self.kind} cannot be turned into {kind}")
        if kind is Kind.LABELS:
            return Outputs(self.predicted(), kind, self.classes)
        exponents = self.values.astype(np.float64)
        exponents = np.exp(exponents - exponents.max(axis=1, keepdims=True))
        exponents /= exponents.sum(axis=1, keepdims=True)
        return Outputs(exponents.astype(np.float32), kind, self.classes)

    def first(self, count: int) -> Outputs:
        """The answers to the first images."""
        return Outputs(self.values[:count], self.kind, self.classes)

    def after(self, count: int) -> Outputs:
        """The answers to all but the first images."""
        return Outputs(self.values[count:], self.kind, self.classes)

    def at(self, places: Sequence[int]) -> Outputs:
        """The answers to some of the images."""
        return Outputs(self.values[list(places)], self.kind, self.classes)

    def favour(self) -> NDArray[np.float64]:
        """How much each class is favoured above the others, float64 (n, width).

        Logits less their mean; of probabilities the same from their logarithms, zeros taken for
        half of the smallest that is told; of labels a 1 at the class. Embeddings and similarities
        are given as they are.
        """
        if self.kind is Kind.LABELS:
            rows = np.zeros((len(self), self.classes))
            rows[np.arange(len(self)), self.predicted()] = 1
            return rows
        values = self.values.astype(np.float64)
        if self.kind is Kind.PROBABILITIES:
            told = values[values > LEAST]
            least = told.min() / 2 if told.size else LEAST
            values = np.log(np.where(values > LEAST, values, least))
        if self.kind.tells_classes:
            values -= values.mean(axis=1, keepdims=True)
        return values

    def require_plausible(self, source: str, *, varied: bool = True) -> Outputs:
        """Return these outputs, which answer all probes.

        Parameters
        ----------
        source
            Which model answered, for messages.
        varied
            Whether to refuse one answer to every image.

        Raises
        ------
        BirthmarkError
            If every image got the same answer, which no correlation can be taken of, or if
            logits are probabilities throughout.
        """
        related = self.kind is Kind.SIMILARITIES
        told = self.values[self.classes if related else 0 :]
        if varied and len(told) > 1 and bool((told == told[:1]).all()):
            raise BirthmarkError(
                source,
                f"gave all {len(told)} images the same answer",
                "ask it for similarities, or use another threshold"
                if related
                else "check the declared range, mean and deviation, and which output is read",
            )
        if self.kind is Kind.LOGITS and _like_probabilities(self.values):
            raise BirthmarkError(
                source,
                "declares logits, but every answer is positive and sums to 1",
                "declare --output probabilities",
            )
        return self


def coarser(kind: Kind) -> tuple[Kind, ...]:
    """The kinds that outputs of `kind` can be compared as, itself first."""
    row = COARSER if kind.tells_classes else WITHOUT_CLASSES
    return row[row.index(kind) :]


def unit_rows(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row scaled to length one; a row of zeros stays zero."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    units: NDArray[np.float64] = np.divide(
        values, lengths, out=np.zeros_like(values), where=lengths > 0
    )
    return units


def common_classes(outputs: Sequence[Outputs]) -> list[Outputs]:
    """The same, of which labels count as many classes as there are among all.

    The largest label that a model happened to say is no number of classes.
    """
    told = [one.classes for one in outputs if one.kind.tells_classes]
    return [
        Outputs(one.values, one.kind, max(told)) if one.kind is Kind.LABELS else one
        for one in outputs
    ]


def joined(parts: Sequence[Outputs]) -> Outputs:
    """Answers to consecutive batches as one; those that are not empty are of one kind and width."""
    parts = [part for part in parts if len(part)] or parts[:1]
    values = np.concatenate([part.values for part in parts])
    return Outputs(values, parts[0].kind, max(part.classes for part in parts))


def _array(values: object, source: str) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise BirthmarkError(source, "answers differ in length", "return one array") from error
    if array.dtype.kind not in "fiub":
        raise BirthmarkError(source, f"answers are {array.dtype}", "return numbers")
    return array


def _two_classes(array: NDArray[Any], kind: Kind, source: str) -> NDArray[Any]:
    """What one sigmoid unit says of the second of two classes, as numbers of both."""
    if array.dtype.kind != "f" or (array.size > 1 and bool((array == np.rint(array)).all())):
        raise BirthmarkError(
            source,
            "answers are one whole number per image",
            "declare class numbers with --output labels",
        )
    one = array.astype(np.float64)
    other = 1 - one if kind is Kind.PROBABILITIES else np.zeros_like(one)
    return np.concatenate([other, one], axis=1)


def _labels(array: NDArray[Any], source: str) -> Outputs:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise BirthmarkError(
            source,
            f"labels have the shape {array.shape}",
            "labels are one whole number per image; for one number per class declare --output"
            " logits or probabilities",
        )
    _require_finite(array, source)
    if len(array) and (
        bool((array != np.rint(array)).any()) or array.min() < 0 or array.max() >= MAX_WIDTH
    ):
        raise BirthmarkError(
            source, "labels are not whole numbers from 0 upwards", "number the classes from 0"
        )
    labels = array.astype(np.int64)
    return Outputs(labels, Kind.LABELS, max(2, int(labels.max()) + 1 if len(labels) else 2))


def _require_finite(array: NDArray[Any], source: str) -> None:
    finite = np.isfinite(array)
    if not finite.all():
        bad = int((~finite.reshape(len(array), -1).all(axis=1)).argmax())
        raise BirthmarkError(
            source,
            f"answered image {bad} with NaN or infinity",
            "check the declared range, mean and deviation, or the model itself",
        )


def _require_probabilities(values: NDArray[np.float32], source: str) -> None:
    if not _like_probabilities(values):
        sums = values.sum(axis=1)
        row = int(np.abs(sums - 1).argmax())
        if values.min() >= 0 and values.max() <= 1 and values.shape[1] > 1:
            raise BirthmarkError(
                source,
                f"declares probabilities, but those for image {row} sum to {sums[row]:.3g}, each"
                " between 0 and 1 (a sigmoid for each class, or not all classes)",
                "give all classes; if each has its own sigmoid (multi-label), export all models"
                " without it and declare --output logits",
            )
        positive = float(values.min()) >= -SUM_TOLERANCE
        raise BirthmarkError(
            source,
            f"declares probabilities, but answers run from {values.min():.3g} to"
            f" {values.max():.3g}, and those for image {row} sum to {sums[row]:.3g}",
            "give all classes, between 0 and 1 (divide percentages by 100)"
            if positive
            else "declare --output logits",
        )


def _like_probabilities(values: NDArray[Any]) -> bool:
    sums = values.sum(axis=1, dtype=np.float64)
    rounded = min(0.1, max(SUM_TOLERANCE, 0.005 * values.shape[1]))
    return bool(values.min() >= -SUM_TOLERANCE and (np.abs(sums - 1) <= rounded).all())
