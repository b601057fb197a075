"""joblib: processes of one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from birthmark.zoo.builder.engines.base import ENGINES, WorkerDiedError
from birthmark.zoo.builder.work import Outcome, Task


def run(work: Callable[[Task], Outcome], tasks: Sequence[Task], workers: int) -> Iterator[Outcome]:
    """One process a worker, each with one thread."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    if workers == 1:
        yield from map(work, tasks)
        return
    parallel = Parallel(
        n_jobs=workers, return_as="generator_unordered", pre_dispatch=2 * workers, batch_size=1
    )
    try:
        yield from parallel(delayed(work)(task) for task in tasks)
    except TerminatedWorkerError as error:
        raise WorkerDiedError(str(error)) from error


ENGINES.register(r"joblib", example="joblib")(lambda: run)
