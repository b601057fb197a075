"""The protocol of every score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol, cast

from birthmark.common.errors import BirthmarkError
from birthmark.common.registry import Registry
from birthmark.data.outputs import Kind, Outputs

ANSWERS = (Kind.LOGITS, Kind.PROBABILITIES, Kind.LABELS, Kind.EMBEDDINGS)
"""What a model can answer to one image."""

Pools = Callable[[Sequence[int]], list[float]]
"""From the places of a pool's models to their numbers."""


Stand = Callable[[int, Sequence[int]], list[float]]
"""From the place of a victim and those of a pool, among some models, to the pool's numbers."""


class Score(Protocol):
    """How close models are to a victim: the smaller, the closer."""

    @property
    def name(self) -> str:
        """Its name with every parameter that changes its number."""
        ...

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of answers that it compares; finer ones are turned into these first."""
        ...

    @property
    def block(self) -> int:
        """How many consecutive probes belong together: 1, 2 for pairs, more for groups."""
        ...

    @property
    def lines_up(self) -> bool:
        """Whether it compares answers class by class, so that all must have the same width."""
        ...

    @property
    def reference_images(self) -> int:
        """How many of the first probes the others are compared with; mostly 0."""
        ...

    def __call__(
        self, victim: Outputs, pool: Sequence[Outputs], background: Sequence[Outputs] = ()
    ) -> list[float]:
        """One number for each model of the pool.

        The pool is the suspect and the reference models. Whatever order they come in, each gets
        the same number, so that an innocent suspect's rank among the references is uniform.

        Parameters
        ----------
        victim
            The victim's answers to n probes.
        pool
            Answers of the models to be compared, to the same probes and of the same kind.
        background
            Answers of further independent models, for scores that allow for what all models of
            the victim's task share; they are not ranked and may be of another width.

        Raises
        ------
        BirthmarkError
            If the answers can't be compared.
        """
        ...

    def pools(
        self, victim: Outputs, models: Sequence[Outputs], background: Sequence[Outputs] = ()
    ) -> Pools:
        """What gives the numbers of any pool of these models, without repeating common work."""
        ...

    def settled(self, victim: Outputs, models: Sequence[Outputs]) -> tuple[Score, list[Outputs]]:
        """A score of these models that looks for other names of classes no more, and the models.

        Where it has found such names, the models' classes are in the victim's order.
        """
        ...

    def among(self, models: Sequence[Outputs]) -> Stand:
        """What gives the numbers of pools of these models by any one of them as the victim."""
        ...


class Pooled(ABC):
    """A score that is told by its pools."""

    reference_images: int = 0

    @abstractmethod
    def pools(
        self, victim: Outputs, models: Sequence[Outputs], background: Sequence[Outputs] = ()
    ) -> Pools:
        """As the protocol's."""

    def __call__(
        self, victim: Outputs, pool: Sequence[Outputs], background: Sequence[Outputs] = ()
    ) -> list[float]:
        """The numbers of one pool."""
        return self.pools(victim, pool, background)(range(len(pool)))

    def settled(
        self,
        victim: Outputs,  # noqa: ARG002
        models: Sequence[Outputs],
    ) -> tuple[Score, list[Outputs]]:
        """As the protocol's; most scores look for no names."""
        return cast("Score", self), list(models)

    def among(self, models: Sequence[Outputs]) -> Stand:
        """As the protocol's."""
        return lambda victim, pool: self(models[victim], [models[i] for i in pool])


class Apart(Pooled):
    """A score that looks at one model at a time."""

    block: int = 1
    lines_up: ClassVar[bool] = False

    @abstractmethod
    def distances(self, victim: Outputs, models: Sequence[Outputs]) -> list[float]:
        """Each model's distance from the victim."""

    def pools(
        self,
        victim: Outputs,
        models: Sequence[Outputs],
        background: Sequence[Outputs] = (),  # noqa: ARG002
    ) -> Pools:
        """As the protocol's; each distance is computed once."""
        if self.lines_up:
            require_same_width(victim, models)
        distances = self.distances(victim, models)
        return lambda pool: [distances[i] for i in pool]


def require_same_width(victim: Outputs, pool: Sequence[Outputs]) -> None:
    """Refuse answers that do not line up with the victim's.

    Raises
    ------
    BirthmarkError
        If one is of another width.
    """
    for outputs in pool:
        if outputs.kind is not Kind.LABELS and outputs.classes != victim.classes:
            raise BirthmarkError(
                "answers",
                f"have {outputs.classes} classes, but the victim's have {victim.classes}",
                "use a method that compares correlations, such as sac-jc",
            )


SCORES: Registry[Score] = Registry("score", "birthmark.scores")
