"""Building references: each once, whatever happens in between."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from birthmark.common.digests import sha256_of_file
from birthmark.data.images import Progress, silent
from birthmark.models.adapters import Declaration, Suspect
from birthmark.models.queries import accuracy, ask
from birthmark.references.asked import require_sense
from birthmark.references.design import Planned, design
from birthmark.references.folder import alone, claimed, prepare, same_classes, write_declarations
from birthmark.references.record import Reference, References
from birthmark.references.split import Split, divide, labels_of
from birthmark.references.wanted import Wanted, declarations
from birthmark.references.work import Outcome, Task, work
from birthmark.training.engines import ENGINES, Engine, WorkerDiedError

Told = Callable[[Outcome], None]


def build(
    wanted: Wanted,
    folder: Path,
    *,
    workers: int = 1,
    engine: str = "joblib",
    progress: Progress = silent,
    told: Told = lambda _: None,
) -> References:
    """Build all references that are not there yet.

    Parameters
    ----------
    wanted
        What is asked for.
    folder
        Gets a sub-folder a lineage, `references.json`, `birthmark.toml` and `probes`; a second call
        goes on where the first stopped.
    workers
        References trained at the same time, one thread each.
    engine
        `joblib` or `ray`.
    progress
        Is told how far it is.
    told
        Is told of each outcome.

    Raises
    ------
    BirthmarkError
        If the images don't allow it, the folder holds something else, or it can't be written.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    require_sense(wanted.own, wanted.init, wanted.start, wanted.count, wanted.device)
    run = ENGINES.make(engine)
    init = wanted.init
    if init is not None and Path(init).exists():
        init = str(Path(init).resolve())
    split = divide(wanted.images, verification=wanted.verification, seed=wanted.seed)
    owns, others = declarations(wanted)
    planned = design(wanted.count, wanted.own, wanted.start, seed=wanted.seed)
    outputs = wanted.outputs
    if wanted.owner_images is not None:
        same_classes(wanted, wanted.owner_images)
    _require_trainable(wanted, owns, outputs)
    with alone(folder):
        record = claimed(folder, wanted, split)
        prepare(folder, wanted, split, {owns, others} if wanted.own else {others}, progress)
        if record.victim is None and wanted.victim is not None:
            record.victim = _victims(wanted, wanted.victim, split, progress)
            record.write(folder)
        write_declarations(folder, planned, owns, others, wanted.kind)
        record.references = [one for one in record.references if _intact(folder, one)]
        record.failures.clear()
        for wave in _waves(planned):
            tasks = [
                Task(
                    folder.resolve(),
                    one,
                    wanted.recipes.own if one.own else wanted.recipes.others,
                    init,
                    wanted.start,
                    owns if one.own else others,
                    owns if one.teacher == planned[0].name and planned[0].own else others,
                    outputs,
                    wanted.verification,
                    record.victim,
                    wanted.device,
                    os.getpid(),
                )
                for one in wave
                if not _done(record, one)
            ]
            _require_teachers(record, tasks)
            _run(run, tasks, workers, folder, record, len(planned), progress, told)
        if not record.failures:
            shutil.rmtree(folder / ".build", ignore_errors=True)
    return record


def _require_trainable(wanted: Wanted, owns: Declaration, outputs: int) -> None:
    """Find out before any training that the owner's network can be made and started."""
    from birthmark.references.network import own_network

    if wanted.own is not None:
        own_network(wanted.own, wanted.init, owns, outputs)


def _victims(wanted: Wanted, victim: Suspect, split: Split, progress: Progress) -> float:
    """The victim's accuracy on the checked images, whatever its classes are called."""
    from birthmark.references.learn import told_apart

    images = [wanted.images[int(i)] for i in split.check]
    said = ask(victim, images, progress)
    if wanted.verification:
        return told_apart(said.values.astype(np.float32), labels_of(wanted.images)[split.check])
    return accuracy(said, images)


def _waves(planned: Sequence[Planned]) -> list[list[Planned]]:
    """Teachers, then students."""
    return [
        [one for one in planned if one.teacher is None],
        [one for one in planned if one.teacher is not None],
    ]


def _intact(folder: Path, made: Reference) -> bool:
    file = folder / made.file
    return file.exists() and sha256_of_file(file) == made.digest


def _done(record: References, one: Planned) -> bool:
    return any(
        (made.file, made.teacher) == (f"{one.name}.onnx", one.teacher) for made in record.references
    )


def _require_teachers(record: References, tasks: list[Task]) -> None:
    """Leave out students whose teacher could not be built."""
    there = {made.file.removesuffix(".onnx") for made in record.references}
    for task in list(tasks):
        teacher = task.planned.teacher
        if teacher is not None and teacher not in there:
            record.failures[task.name] = f"its teacher {teacher} could not be built"
            tasks.remove(task)


def _run(
    run: Engine,
    tasks: Sequence[Task],
    workers: int,
    folder: Path,
    record: References,
    total: int,
    progress: Progress,
    told: Told,
) -> None:
    progress("Training references", len(record.references), total)
    waiting: Mapping[str, Task] = {task.name: task for task in tasks}
    for _ in range(2):
        try:
            for outcome in run(work, list(waiting.values()), min(workers, len(waiting) or 1)):
                told(outcome)
                waiting = {name: one for name, one in waiting.items() if name != outcome.name}
                if outcome.reference is None:
                    record.failures[outcome.name] = outcome.failure or "it failed"
                else:
                    made = outcome.reference
                    others = [one for one in record.references if one.file != made.file]
                    record.references = [*others, made]
                    record.references.sort(key=lambda one: one.file)
                record.write(folder)
                progress("Training references", len(record.references), total)
        except WorkerDiedError:
            continue
        return
    for name in waiting:
        record.failures[name] = "the worker that trained it died twice, perhaps for lack of memory"
    record.write(folder)
