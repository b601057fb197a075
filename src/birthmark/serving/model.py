"""The model that is served, and what it was asked."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, encoded
from birthmark.data.outputs import Kind, Outputs, unit_rows
from birthmark.models.adapters import Declaration, Suspect, answered

MOST_QUESTIONS = 100_000
"""So many questions are remembered, the latest."""


class Served:
    """A model behind a server: one question at a time, and each counted.

    Parameters
    ----------
    suspect
        The model.
    name
        What clients call it.
    threshold
        The similarity from which two images match.
    top
        How many of the most likely labels are told.

    Raises
    ------
    BirthmarkError
        If it cannot be asked about images one by one.
    """

    def __init__(
        self, suspect: Suspect, name: str, *, threshold: float = 0.5, top: int = 5
    ) -> None:
        described = suspect.description
        if described.declaration is None or not hasattr(suspect, "answer"):
            raise BirthmarkError(
                described.name,
                "cannot answer about new images, so it cannot be served",
                "name a model, not recorded answers or another API",
            )
        self.name = name
        self.threshold = threshold
        self.top = top
        self.kind: Kind = described.output
        self.declaration: Declaration = described.declaration
        self._suspect = suspect
        self._lock = threading.Lock()
        self._asked: OrderedDict[str, int] = OrderedDict()

    def answer(self, images: Sequence[Image]) -> Outputs:
        """The model's answers; each image is a question.

        Raises
        ------
        BirthmarkError
            If one is no image.
        """
        return self._answered(images, [image.digest for image in images])

    def similarity(self, one: Image, other: Image) -> float:
        """Cosine of the embeddings of two images; both together are one question.

        Raises
        ------
        BirthmarkError
            If one is no image, or the model answers with other than embeddings.
        """
        if self.kind is not Kind.EMBEDDINGS:
            raise BirthmarkError(self.name, f"answers with {self.kind}", "ask /v1/classify")
        both = self._answered([one, other], [" ".join(sorted((one.digest, other.digest)))])
        first, second = unit_rows(both.values.astype(np.float64))
        return float(first @ second)

    def labels(self, image: Image) -> list[dict[str, float | str]]:
        """The most likely classes of an image, the likeliest first, with their probabilities.

        Raises
        ------
        BirthmarkError
            If it is no image, or the model answers with embeddings.
        """
        if not self.kind.tells_classes:
            raise BirthmarkError(self.name, f"answers with {self.kind}", "ask /v1/compare")
        outputs = self.answer([image])
        if self.kind is Kind.LABELS:
            return [{"label": str(outputs.values[0])}]
        scores = outputs.to(Kind.PROBABILITIES).values[0]
        likeliest = np.argsort(-scores, kind="stable")[: self.top]
        return [{"label": str(i), "score": float(scores[i])} for i in likeliest]

    def images(self, tensor: NDArray[np.float32]) -> list[Image]:
        """The images that became a tensor (n, ...) in the declared layout, as PNG files."""
        pictures = [
            Pillow.fromarray(one[:, :, 0] if one.shape[2] == 1 else one)
            for one in self.declaration.pixels(tensor)
        ]
        return [Image(encoded(one, "PNG"), f"image {i}") for i, one in enumerate(pictures)]

    def counts(self) -> dict[str, int]:
        """How many questions were answered, how many are different, how many came twice."""
        with self._lock:
            times = list(self._asked.values())
        return {
            "answered": sum(times),
            "different": len(times),
            "asked_twice": sum(count > 1 for count in times),
        }

    def _answered(self, images: Sequence[Image], questions: Sequence[str]) -> Outputs:
        for image in images:
            _ = image.pixels
        with self._lock:
            outputs = answered(self._suspect, images)
            for question in questions:
                self._asked[question] = self._asked.pop(question, 0) + 1
            while len(self._asked) > MOST_QUESTIONS:
                self._asked.popitem(last=False)
        return outputs
