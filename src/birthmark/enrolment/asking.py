"""Asking many models the same probes, those in files side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, Progress
from birthmark.data.outputs import Outputs
from birthmark.models.adapters import Suspect
from birthmark.models.adapters.file import FileSuspect
from birthmark.models.queries import ask
from birthmark.training.engines import ENGINES, WorkerDiedError


@dataclass(frozen=True)
class Task:
    """A model in a file, and its place among all models."""

    place: int
    model: Suspect
    probes: Sequence[Image]


def asked(
    models: Sequence[Suspect],
    probes: Sequence[Image],
    what: str,
    progress: Progress,
    workers: int = 1,
    engine: str = "joblib",
) -> list[Outputs]:
    """All models' answers to all probes, the same whoever asks.

    Models in files are asked first, `workers` at a time. All others are asked by this process, one
    after another: a function may live here only, and an API's ledger has one writer.

    Raises
    ------
    BirthmarkError
        If one fails, refuses a probe or answers implausibly; if a worker dies.
    """
    answers: dict[int, Outputs] = {}
    progress(what, 0, len(models))
    tasks = [
        Task(place, model, probes)
        for place, model in enumerate(models)
        if isinstance(model, FileSuspect) and model.portable
    ]
    try:
        for place, told in ENGINES.make(engine)(work, tasks, max(1, min(workers, len(tasks)))):
            if isinstance(told, BirthmarkError):
                raise told
            answers[place] = told
            progress(what, len(answers), len(models))
    except WorkerDiedError as error:
        raise BirthmarkError(
            "--workers",
            f"{workers} were asking models, and one died",
            "pass fewer, or free memory; then run the command again",
        ) from error
    for place in sorted({*range(len(models))} - answers.keys()):
        answers[place] = ask(models[place], probes)
        progress(what, len(answers), len(models))
    return [answers[place] for place in range(len(models))]


def work(task: Task) -> tuple[int, Outputs | BirthmarkError]:
    """One model's answers, or why there are none."""
    try:
        return task.place, ask(task.model, task.probes)
    except BirthmarkError as error:
        return task.place, error
