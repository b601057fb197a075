"""Services that only compare two images, and a fingerprint that they are audited by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import world
from birthmark import Fingerprint, Kind, Outputs, Suspect, as_suspect
from birthmark.audit.audit import Audited
from birthmark.data.images import Image
from birthmark.models.adapters.base import Description

M = 6
METHOD = f"fri{M}-centred-partial0.03@jpeg25"
Tell = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def embedding(model: Any, lineage: str = "linear") -> Suspect:
    """Points in a space of its own: ten numbers, turned and stretched."""
    turn = np.linalg.qr(np.random.default_rng(len(model.coef_)).normal(size=(10, 10)))[0]

    def points(inputs: NDArray[np.float32]) -> object:
        logits = model.decision_function(inputs.reshape(len(inputs), -1))
        return (logits - logits.mean(axis=1, keepdims=True)) @ turn

    return as_suspect(points, world.DECLARED | {"output": "embeddings"}, lineage=lineage)


@cache
def fingerprint(name: str = METHOD) -> Fingerprint:
    models = [
        embedding(world.innocent(i, world.lineage_of(i)), world.lineage_of(i)) for i in range(20)
    ]
    own = embedding(world.victim())
    return Fingerprint.enroll(own, world.image_set(), models, n=60, method=name, start="random")


class Comparing:
    """A service that compares two images, and counts how often."""

    def __init__(self, model: Any, tell: Tell) -> None:
        self.model = embedding(model)
        self.tell = tell
        self.asked: list[tuple[str, str]] = []
        self.description = Description(
            name="service", adapter="test", output=Kind.SIMILARITIES, lineage="linear"
        )

    def against(self, references: Sequence[Image]) -> Suspect:
        return Related(self, references)


class Related:
    batch = 7

    def __init__(self, service: Comparing, references: Sequence[Image]) -> None:
        self.service, self.references = service, references
        self.description = service.description

    def answer(self, images: Sequence[Image]) -> Outputs:
        self.service.asked += [(a.name, b.name) for a in images for b in self.references]
        one, other = (self.service.model.answer(some).values for some in (images, self.references))
        cosines = one @ other.T
        cosines /= np.linalg.norm(one, axis=1)[:, None] * np.linalg.norm(other, axis=1)
        return Outputs.checked(self.service.tell(cosines), Kind.SIMILARITIES, "service")


TOLD: dict[str, Tell] = {
    "similarities": lambda s: s,
    "percent": lambda s: 50 + 50 * s,
    "two digits": lambda s: np.round(s, 2),
    "whole percent": lambda s: np.round(50 + 50 * s),
    "match": lambda s: (s > 0.6).astype(np.float32),
}


@cache
def audited() -> Audited:
    return fingerprint().audit_with_answers(Comparing(world.thief(), TOLD["match"]))
