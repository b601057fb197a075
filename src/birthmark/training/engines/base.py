"""The protocol of what runs many trainings at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
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


def alone(work: Callable[[T], R], task: T) -> R:
    """The second try of a task that may have killed its worker, in a process of its own.

    Raises
    ------
    WorkerDiedError
        If that dies too.
    """
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(work, task).result()
    except BrokenProcessPool as error:
        raise WorkerDiedError(str(error)) from error
