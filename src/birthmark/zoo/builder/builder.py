"""Building a zoo: every model of its plan, each once, whatever happens in between."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from birthmark.common.errors import BirthmarkError
from birthmark.common.files import require_new_folder, whole_file
from birthmark.data.images import Progress, silent
from birthmark.training.engines import ENGINES, Engine, WorkerDiedError, alone
from birthmark.zoo.builder.members import members
from birthmark.zoo.builder.work import Outcome, Task, begun_file, work
from birthmark.zoo.images.arrays import prepare
from birthmark.zoo.models.member import Member
from birthmark.zoo.models.record import Record
from birthmark.zoo.plan import Plan, Role, open_zoo

TRIES = 2

Told = Callable[[Outcome], None]


@dataclass
class Built:
    """What came of building a zoo.

    Attributes
    ----------
    records
        Of all models that are there, in the plan's order.
    failures
        Why others could not be made, by name.
    skipped
        Those that need one that could not be made.
    trained
        Names of those that were made now, not found.
    """

    records: list[Record] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    trained: list[str] = field(default_factory=list)


def build_zoo(
    plan: Plan,
    data: Path,
    folder: Path,
    *,
    workers: int = 1,
    engine: str = "joblib",
    progress: Progress = silent,
    told: Told = lambda _: None,
) -> Built:
    """Build all models of a plan that are not there yet.

    Parameters
    ----------
    plan
        The plan, at its scale.
    data
        Holds one folder a set of images, named after its source.
    folder
        The zoo's; a second call goes on where the first stopped.
    workers
        Models trained at the same time, one thread each.
    engine
        `joblib` or `ray`; the result is the same.
    progress
        Told how many models are done.
    told
        Told of each outcome.

    Raises
    ------
    BirthmarkError
        If images are missing, a network cannot be made, or the folder holds something else.
    """
    from birthmark.zoo.builder.build import made
    from birthmark.zoo.builder.keys import keys
    from birthmark.zoo.models.network import require_network

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    run = ENGINES.make(engine)
    listed = members(plan)
    for family in plan.families.values():
        require_network(family.net, plan)
    if not data.is_dir():
        raise BirthmarkError(
            data, "is not a folder", "name the folder with a sub-folder for each set of images"
        )
    _claim(plan, folder)
    try:
        prepare(plan, data, folder / "data", progress)
    except BirthmarkError:
        if not (folder / "data").exists():
            (folder / "plan.json").unlink()
        raise
    shutil.rmtree(folder / "begun", ignore_errors=True)
    key = keys(plan, listed, folder)
    result, tries = Built(), dict.fromkeys(key, 0)
    known = [made(folder, member, key[member.name]) for member in listed]
    there = {r.name: r for r in known if r is not None and r.victim == key["victim"]}
    progress("Training models", len(there), len(listed))
    while waiting := _ready(listed, there, result.failures):
        tasks = [Task(plan, member, key[member.name], key["victim"], folder) for member in waiting]
        for outcome in _attempt(run, tasks, tries, workers):
            told(outcome)
            if outcome.record is not None:
                there[outcome.name] = outcome.record
                result.trained += [outcome.name] if outcome.trained else []
            elif outcome.hopeless or tries[outcome.name] >= TRIES:
                result.failures[outcome.name] = outcome.failure or "failed"
            progress("Training models", len(there), len(listed))
    for member in listed:
        if member.name in there:
            result.records.append(there[member.name])
        elif member.name not in result.failures:
            result.skipped.append(member.name)
    return result


def _claim(plan: Plan, folder: Path) -> None:
    """Write the plan into the folder, or find it there."""
    file = folder / "plan.json"
    if not file.exists():
        require_new_folder(folder)
    else:
        other = open_zoo(folder)
        if (other.name, other.scale) != (plan.name, plan.scale):
            raise BirthmarkError(
                folder,
                f"holds the zoo {other.name} at scale {other.scale}",
                "name another folder, or pass the same plan and scale",
            )
    with whole_file(file) as passing:
        passing.write_text(json.dumps(plan.model_dump(mode="json"), indent=1) + "\n")


def _ready(
    listed: Sequence[Member], there: Container[str], failures: dict[str, str]
) -> list[Member]:
    """Models that can be made now: their parents are there, and the victim."""
    return [
        member
        for member in listed
        if member.name not in there
        and member.name not in failures
        and (member.parent is None or member.parent in there)
        and (member.start is None or member.start in there)
        and (member.role in (Role.VICTIM, Role.START) or "victim" in there)
    ]


def _attempt(
    run: Engine, tasks: list[Task], tries: dict[str, int], workers: int
) -> Iterator[Outcome]:
    """Outcomes of the tasks; where a worker dies, of those that were being worked on too."""
    done: set[str] = set()
    try:
        for outcome in run(work, tasks, workers):
            done.add(outcome.name)
            tries[outcome.name] += 1
            yield outcome
    except WorkerDiedError:
        for task in tasks:
            name = task.member.name
            if name not in done and begun_file(task.folder, name).exists():
                yield _alone(task)


def _alone(task: Task) -> Outcome:
    """The second try of a model that may have killed its worker."""
    try:
        return alone(work, task)
    except WorkerDiedError:
        begun_file(task.folder, task.member.name).unlink(missing_ok=True)
        return Outcome(task.member.name, failure="its worker died, twice", hopeless=True)
