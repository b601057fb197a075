"""Suspects that evade, around the digits' models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import world
from birthmark.data.images import Image, Progress, silent
from birthmark.data.outputs import Outputs
from birthmark.models.adapters import Description, Suspect
from birthmark.models.adapters.base import Answered, DryRun

Values = NDArray[np.float64]
Change = Callable[[Values, int], Values]
"""From probabilities and how many images were answered before to what is told."""


def probabilities(model: Any, inputs: NDArray[np.float32]) -> Values:
    logits = model.decision_function(inputs.reshape(len(inputs), -1))
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))


def changing(model: Any, change: Change, output: str = "probabilities") -> Suspect:
    """A local suspect whose answers are changed on their way out."""
    count = [0]

    def answer(inputs: NDArray[np.float32]) -> Values:
        told = change(probabilities(model, inputs), count[0])
        count[0] += len(inputs)
        return told

    return world.answering(answer, output=output)


def noisy(share: float) -> Change:
    rng = np.random.default_rng(0)

    def change(told: Values, _: int) -> Values:
        told = told * np.exp(rng.normal(0, share, told.shape))
        return np.asarray(told / told.sum(axis=1, keepdims=True))

    return change


def heated(temperature: float) -> Change:
    def change(told: Values, _: int) -> Values:
        told = told ** (1 / temperature)
        return np.asarray(told / told.sum(axis=1, keepdims=True))

    return change


def drifting(after: int) -> Change:
    """Another order of classes after so many images."""
    return lambda told, before: told if before < after else told[:, ::-1]


def largest(told: Values, _: int) -> Values:
    kept = np.where(told == told.max(axis=1, keepdims=True), told, 0)
    rest = (1 - kept.sum(axis=1, keepdims=True)) / (told.shape[1] - 1)
    return np.asarray(np.where(kept > 0, kept, rest))


def blank(every: int) -> Change:
    """One answer to all images but each so many-th."""

    def change(told: Values, before: int) -> Values:
        told = told.copy()
        told[(before + np.arange(len(told))) % every > 0] = np.eye(told.shape[1])[3]
        return told

    return change


@dataclass
class Remote:
    """A suspect behind an API, in this process; it keeps what it has answered."""

    model: Suspect
    refuses: Callable[[Image, int], str | None] = lambda *_: None
    changes: Callable[[Outputs, Image], Outputs] = lambda outputs, _: outputs
    time: int = 0
    batch: int | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)
    ledger: dict[tuple[str, int], Outputs | str] = field(default_factory=dict)

    @property
    def description(self) -> Description:
        output = self.model.description.output
        return Description(name="remote", adapter="http", output=output)

    def answer(self, images: Sequence[Image]) -> Outputs:  # noqa: ARG002
        raise AssertionError("answers that may be refused are asked for by answer_some")

    def answer_some(self, images: Sequence[Image], progress: Progress = silent) -> Answered:
        told: list[Outputs] = []
        refused: dict[int, str] = {}
        for i, image in enumerate(images):
            key = image.digest, self.time
            if key not in self.ledger:
                self.asked.append(key)
                self.ledger[key] = self.refuses(image, self.time) or self.changes(
                    self.model.answer([image]), image
                )
            kept = self.ledger[key]
            if isinstance(kept, str):
                refused[i] = kept
            else:
                told.append(kept)
            progress("Asking remote", i + 1, len(images))
        if not told:
            width = 10
            values = np.zeros((0, width), np.float32)
            return Answered(Outputs(values, self.description.output, width), refused)
        values = np.concatenate([one.values for one in told])
        return Answered(Outputs(values, told[0].kind, told[0].classes), refused)

    def again(self, time: int) -> Remote:
        return replace(self, time=time)

    def dry_run(self, images: Sequence[Image]) -> DryRun:
        return DryRun(calls=len(images), known=0, cost=0, least_seconds=0, example="")


def number(image: Image) -> int:
    """A probe's position, by its file name."""
    return int(image.name.partition(".")[0])


def by_jpeg(outputs: Outputs, image: Image) -> Outputs:
    """JPEG files are answered with the classes in another order."""
    jpeg = image.data.startswith(b"\xff\xd8")
    return Outputs(outputs.values[:, ::-1].copy(), outputs.kind, 10) if jpeg else outputs
