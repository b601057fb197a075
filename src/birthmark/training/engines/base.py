"""The protocol of what runs many trainings at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from birthmark.common.registry import Registry

T = TypeVar("T")
R = TypeVar("R")


class WorkerDiedError(Exception):
    """A worker went away without a word: killed, or out of memory."""


class Engine(Protocol):
    """Runs tasks on workers that share a folder."""

    def __call__(self, work: Callable[[T], R], tasks: Sequence[T], workers: int) -> Iterator[R]:
        """Yield each task's outcome as it comes, in any order.

        Raises
        ------
        WorkerDied
            If a worker dies; tasks without an outcome are then neither done nor running.
        """
        ...


ENGINES: Registry[Engine] = Registry("engine", "birthmark.training.engines")
