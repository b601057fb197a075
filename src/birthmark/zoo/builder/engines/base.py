"""The protocol of what runs many trainings at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from birthmark.common.registry import Registry
from birthmark.zoo.builder.work import Outcome, Task


class WorkerDiedError(Exception):
    """A worker went away without a word: killed, or out of memory."""


class Engine(Protocol):
    """Runs tasks on workers that share a folder."""

    def __call__(
        self, work: Callable[[Task], Outcome], tasks: Sequence[Task], workers: int
    ) -> Iterator[Outcome]:
        """Yield each task's outcome as it comes, in any order.

        Raises
        ------
        WorkerDied
            If a worker dies; tasks without an outcome are then neither done nor running.
        """
        ...


ENGINES: Registry[Engine] = Registry("engine", "birthmark.zoo.builder.engines")
