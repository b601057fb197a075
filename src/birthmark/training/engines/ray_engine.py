"""Ray: workers on many machines that share the zoo's folder (extra `ray`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from birthmark.common.errors import BirthmarkError
from birthmark.training.engines.base import ENGINES, R, T, WorkerDiedError


def run(work: Callable[[T], R], tasks: Sequence[T], workers: int) -> Iterator[R]:
    """One task a CPU; a cluster is joined by Ray's own variable RAY_ADDRESS."""
    try:
        import ray
    except ImportError as error:
        raise BirthmarkError(
            "--engine ray", "Ray is not installed", "run `pip install birthmark[ray]`"
        ) from error
    if not ray.is_initialized():
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    remote = ray.remote(num_cpus=1, max_retries=0)(work)
    waiting = [remote.remote(task) for task in tasks]
    try:
        while waiting:
            (done,), waiting = ray.wait(waiting, num_returns=1)
            yield ray.get(done)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
        for other in waiting:
            ray.cancel(other, force=True)
        raise WorkerDiedError(str(error)) from error


ENGINES.register(r"ray", example="ray")(lambda: run)
