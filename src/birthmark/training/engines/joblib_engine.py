"""joblib: processes of one machine."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence

from birthmark.training.engines.base import ENGINES, R, T, WorkerDiedError


def run(work: Callable[[T], R], tasks: Sequence[T], workers: int) -> Iterator[R]:
    """One process a worker, each with one thread."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    if workers == 1:
        yield from map(work, tasks)
        return
    parallel = Parallel(
        n_jobs=workers, return_as="generator_unordered", pre_dispatch=2 * workers, batch_size=1
    )
    outcomes = parallel(delayed(work)(task) for task in tasks)
    try:
        for outcome in outcomes:  # noqa: UP028  `yield from` would close it with a warning
            yield outcome
    except TerminatedWorkerError as error:
        raise WorkerDiedError(str(error)) from error
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tasks that nobody waits for any more
            outcomes.close()


ENGINES.register(r"joblib", example="joblib")(lambda: run)
