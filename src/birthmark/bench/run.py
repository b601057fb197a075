"""All methods of a zoo, side by side."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed

from birthmark import __version__
from birthmark.bench.judge import Judge
from birthmark.bench.methods import COMPARED, VERIFICATION, WATERMARK
from birthmark.bench.table import Row, Setting, Table
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Progress, silent
from birthmark.data.outputs import Kind
from birthmark.scores.methods import Method, method
from birthmark.zoo.answers import Recorded, read_answers

Measured = tuple[list[Row], str | None]


class Job(NamedTuple):
    """One method, as answered or of labels, against a zoo's victim or its other one."""

    alias: str
    name: str
    labels: bool = False
    other: bool = False


def bench(
    answers: Path,
    methods: Mapping[str, str] | None = None,
    setting: Setting | None = None,
    workers: int = 1,
    labels: bool = True,
    progress: Progress = silent,
) -> Table:
    """Measure methods on a zoo's recorded answers.

    Parameters
    ----------
    answers
        An .answers file.
    methods
        Full names by what the table calls them; the compared ones if not given.
    setting
        How.
    workers
        Processes.
    labels
        Whether methods are also measured on labels alone.
    progress
        Told how many methods are done.

    Raises
    ------
    BirthmarkError
        If the file is unreadable or a method is unknown.
    """
    began = time.perf_counter()
    recorded = _opened(answers)
    setting = setting or Setting()
    methods = methods or _compared(recorded)
    for name in methods.values():
        method(name)
    jobs = [
        Job(alias, name, labels=only)
        for alias, name in methods.items()
        if alias != WATERMARK[-1]
        for only in ((False, True) if labels else (False,))
    ]
    jobs += [Job(alias, name, other=True) for alias, name in methods.items() if alias in WATERMARK]
    parallel = Parallel(n_jobs=workers, return_as="generator")
    rows: list[Row] = []
    left_out: dict[str, str] = {}
    found = parallel(delayed(_measured)(answers, job, setting) for job in jobs)
    for done, (job, (some, why)) in enumerate(zip(jobs, found, strict=True)):
        rows += some
        if why is not None and not job.labels and not job.other:
            left_out[job.alias] = why
        progress("Measuring methods", done + 1, len(jobs))
    return Table(
        zoo=recorded.manifest.plan.name,
        answers=recorded.manifest.values,
        setting=setting,
        left_out=left_out,
        made={
            "birthmark": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "machine": f"{platform.system()} {platform.machine()}",
            "seconds": f"{time.perf_counter() - began:.0f}",
            "workers": str(workers),
        },
        rows=rows,
    )


def _compared(recorded: Recorded) -> Mapping[str, str]:
    return VERIFICATION if recorded.manifest.plan.task == "verification" else COMPARED


def _measured(answers: Path, job: Job, setting: Setting) -> Measured:
    recorded = _opened(answers)
    chosen = method(job.name)
    if job.labels and not _says_labels(recorded, chosen):
        return [], None
    try:
        rows = list(Judge(recorded, chosen, job.alias, job.labels, job.other).rows(setting))
    except BirthmarkError as error:
        return [], f"{error.subject}: {error.problem}"
    return rows, None if rows else "not enough probes of it are recorded"


@lru_cache(maxsize=1)
def _opened(answers: Path) -> Recorded:
    """The file is read once a process."""
    return read_answers(answers)


def _says_labels(recorded: Recorded, chosen: Method) -> bool:
    return recorded.manifest.plan.task == "classes" and Kind.LABELS in chosen.score.kinds
