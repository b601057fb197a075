"""Models that answer about images of many classes, drawn so that much is known about them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from birthmark import Kind, Outputs

CONFUSED = 4
"""Classes that an image may be taken for, besides its own."""


class World:
    """Images, some harder than others, and models that answer about them.

    Parameters
    ----------
    classes
        How many.
    n
        Images.
    seed
        Draws everything.
    wrong
        Whether only images are kept that the victim gets wrong.
    copied
        On what share of the images a thief answers as the victim does, whatever it knows itself.
    """

    def __init__(
        self, classes: int, n: int, seed: int, *, wrong: bool = True, copied: float = 0.5
    ) -> None:
        self.classes, self.rng, self.copied = classes, np.random.default_rng(seed), copied
        asked = 8 * n if wrong else n
        self.truth = self.rng.integers(0, classes, asked)
        self.others = self.rng.integers(0, classes, (asked, CONFUSED))
        self.hard = self.rng.beta(1, 2, asked)
        self.victim = self.model()
        if wrong:
            kept = np.flatnonzero(self.victim != self.truth)[:n]
            self.truth, self.others = self.truth[kept], self.others[kept]
            self.hard, self.victim = self.hard[kept], self.victim[kept]

    def model(self) -> NDArray[np.int64]:
        """The labels of a model that owes the victim nothing."""
        n = len(self.truth)
        shares = self.rng.dirichlet(np.full(CONFUSED, 0.7), n)
        taken = (shares.cumsum(axis=1) > self.rng.random((n, 1))).argmax(axis=1)
        missed = self.rng.random(n) < self.hard
        return np.where(missed, self.others[np.arange(n), taken], self.truth)

    def thief(self) -> NDArray[np.int64]:
        """The labels of a model that learnt from the victim."""
        copies = self.rng.random(len(self.truth)) < self.copied
        return np.where(copies, self.victim, self.model())

    def renamed(self, outputs: Outputs) -> Outputs:
        """The same with all classes called otherwise."""
        order = self.rng.permutation(self.classes)
        if outputs.kind is Kind.LABELS:
            return self.labels(order[outputs.values])
        return Outputs(outputs.values[:, order], outputs.kind, outputs.classes)

    def labels(self, said: NDArray[np.int64]) -> Outputs:
        """As a service that tells labels alone; the number of classes is the largest seen."""
        return Outputs(said, Kind.LABELS, int(said.max()) + 1)

    def logits(self, said: NDArray[np.int64], own: float = 0.6) -> Outputs:
        """Logits with these labels on top, what the image may be above the rest, and noise of one
        length whatever the classes."""
        n = len(said)
        values = own * (10 / self.classes) ** 0.5 * self.rng.normal(size=(n, self.classes))
        for column in self.others.T:
            values[np.arange(n), column] += 1
        values[np.arange(n), self.truth] += 1
        values[np.arange(n), said] += 2
        return Outputs(values.astype(np.float32), Kind.LOGITS, self.classes)
