"""Many suspects on many workers, each once, whatever happens in between."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from birthmark.audit.answers import answers_bytes
from birthmark.common.digests import canonical_json, sha256, sha256_of_file
from birthmark.common.errors import BirthmarkError, fault_of, one_line
from birthmark.common.files import read_bytes, require_new_folder, whole_file, whole_folder
from birthmark.common.speech import are_options_named, options_named
from birthmark.comparison.against import Against, Found
from birthmark.comparison.row import Row, failed_row
from birthmark.comparison.suspects import listed_suspects, open_one
from birthmark.comparison.table import Comparison
from birthmark.data.images import Progress, silent
from birthmark.models.adapters.lookup import is_remote
from birthmark.models.remote import Access
from birthmark.registry import Near
from birthmark.training.engines import ENGINES, Engine, WorkerDiedError, alone

FORMAT: Literal["birthmark-scan/1"] = "birthmark-scan/1"
SCAN, FOUND = "scan.json", "suspect.json"
MAX_FOUND = 16 << 20
FRUITLESS = 5
"""So often in a row workers may die before one has begun a suspect."""


class SuspectFile(BaseModel):
    """What `suspect.json` holds: a suspect's candidates, if it was looked up, and its lines.

    `weights` are those by weights, of which older files have none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["birthmark-scan/1"] = FORMAT
    suspect: str
    candidates: list[Near] = Field(max_length=1000)
    weights: list[Near] = Field(default=[], max_length=1000)
    rows: list[Row] = Field(max_length=100_000)


@dataclass(frozen=True)
class Task:
    """A suspect to compare: its folder's name, how it was named, and where it is.

    `command`: whether a command runs, so that every worker's messages name its options.
    """

    name: str
    shown: str
    suspect: str
    lineage: str | None
    against: Against
    declared: dict[str, Any]
    access: Access | None
    out: Path
    command: bool

    @property
    def begun(self) -> Path:
        """Tells that a worker has begun it; gone when there is an outcome."""
        return self.out / "begun" / self.name

    @property
    def folder(self) -> Path:
        """Its results."""
        return self.out / "suspects" / self.name


@dataclass(frozen=True)
class Outcome:
    """A suspect is done, unless it failed: then these are its lines."""

    name: str
    failed: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Scanned:
    """What came of a scan.

    Attributes
    ----------
    comparison
        A line for each suspect and fingerprint, suspects in the order they were named.
    compared
        How many suspects were compared now.
    known
        How many had been before.
    failed
        Why others could not be; each is tried again by the next call.
    """

    comparison: Comparison
    compared: int
    known: int
    failed: dict[str, str]


def scan(
    against: Against,
    names: Sequence[str],
    out: Path,
    *,
    declared: dict[str, Any] | None = None,
    access: Access | None = None,
    workers: int = 1,
    engine: str = "joblib",
    progress: Progress = silent,
) -> Scanned:
    """Compare suspects that have no folder in OUT yet, and write the table of all.

    Each has a folder in `OUT/suspects`, which is there whole or not at all: `suspect.json`, and for
    each fingerprint a folder with the audit's `result.json` and `answers.safetensors`. A suspect
    whose worker dies is tried once more by itself.

    Parameters
    ----------
    against
        What they are compared with.
    names
        Suspects: models, folders of models, recorded answers, APIs.
    out
        A new folder, or one of a scan of the same kind, which goes on.
    declared, access
        As for `open_suspects`.
    workers
        How many suspects are compared at a time; those behind an API one by one.
    engine
        `joblib`, or `ray` for machines that share the folders.
    progress
        Is told how many are done.

    Raises
    ------
    BirthmarkError
        If the folder is of another scan, no suspect is named, or workers die before they start.
    """
    listed = listed_suspects(names)
    if not listed:
        raise BirthmarkError("compare", "there are no suspects", "name at least one")
    if workers > 1 and any(is_remote(suspect) for suspect, _ in listed):
        raise BirthmarkError("--workers", "an API is asked by one worker only", "pass --workers 1")
    run = ENGINES.make(engine)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    out = out.resolve()
    _claim(out, against, declared or {})
    tasks = [
        Task(
            name=_called(suspect),
            shown=one_line(suspect, 200),
            suspect=_whole(suspect),
            lineage=lineage,
            against=against,
            declared=declared or {},
            access=access,
            out=out,
            command=are_options_named(),
        )
        for suspect, lineage in listed
    ]
    tasks = list({task.name: task for task in tasks}.values())
    waiting = [task for task in tasks if not (task.folder / FOUND).exists()]
    failed: dict[str, tuple[Row, ...]] = {}
    done = len(tasks) - len(waiting)
    for outcome in _outcomes(run, waiting, workers):
        done += 1
        if outcome.failed:
            failed[outcome.name] = outcome.failed
        progress("Comparing suspects", done, len(tasks))
    rows: list[Row] = []
    for task in tasks:
        rows += failed.get(task.name) or read_found(task.folder / FOUND).rows
    comparison = Comparison(alpha=against.alpha, rows=rows, maps=[], registry=against.models)
    with whole_file(out / "table.csv") as passing:
        passing.write_text(comparison.to_csv(), "utf-8")
    with whole_file(out / "table.json") as passing:
        passing.write_text(comparison.model_dump_json(indent=1) + "\n", "utf-8")
    return Scanned(
        comparison,
        compared=len(waiting) - len(failed),
        known=len(tasks) - len(waiting),
        failed={rows[0].suspect: rows[0].problem or "failed" for rows in failed.values()},
    )


def work(task: Task) -> Outcome:
    """Compare one suspect and write its folder; every failure is an outcome."""
    with options_named() if task.command else nullcontext():
        return _work(task)


def _work(task: Task) -> Outcome:
    task.begun.parent.mkdir(parents=True, exist_ok=True)
    task.begun.write_text(str(os.getpid()))
    try:
        if (task.folder / FOUND).exists():
            return Outcome(task.name)
        suspect = open_one(task.suspect, task.lineage, task.declared, task.access)
        found = task.against.meet(suspect, named=task.suspect)
        rows = [row.model_copy(update={"suspect": task.shown}) for row in found.rows]
        if not found.audits:
            return Outcome(task.name, tuple(rows))
        _write(task.folder, task.shown, found._replace(rows=rows))
        return Outcome(task.name)
    except BirthmarkError as error:
        subject = error.subject.replace(task.suspect, task.shown)
        said = BirthmarkError(subject, error.problem, error.fix)
        return Outcome(task.name, (failed_row("", None, task.shown, said),))
    except Exception as error:  # a user's function may raise anything
        problem = f"failed ({type(error).__name__}: {error})"
        said = BirthmarkError(task.shown, problem, "look at its code")
        return Outcome(task.name, (failed_row("", None, task.shown, said),))
    finally:
        task.begun.unlink(missing_ok=True)


def read_found(file: Path) -> SuspectFile:
    """What came of a suspect.

    Raises
    ------
    BirthmarkError
        If the file is missing or broken.
    """
    try:
        return SuspectFile.model_validate_json(read_bytes(file, MAX_FOUND))
    except ValidationError as error:
        raise BirthmarkError(
            file, fault_of(error), "remove its folder, and compare it again"
        ) from error


def _write(folder: Path, name: str, found: Found) -> None:
    told = SuspectFile(
        suspect=name, candidates=found.candidates, weights=found.weights, rows=found.rows
    )
    with whole_folder(folder) as passing:
        for i, (fingerprint, audited) in enumerate(found.audits.items()):
            inner = passing / f"{i:02d}-{_plain(Path(fingerprint).stem)}"
            inner.mkdir()
            (inner / "result.json").write_text(
                audited.result.model_dump_json(indent=2) + "\n", "utf-8"
            )
            (inner / "answers.safetensors").write_bytes(answers_bytes(audited.recorded))
        (passing / FOUND).write_bytes(canonical_json(told.model_dump(mode="json")))


def _outcomes(run: Engine, tasks: Sequence[Task], workers: int) -> Iterator[Outcome]:
    """Every task's outcome, once."""
    waiting = {task.name: task for task in tasks}
    if tasks:
        shutil.rmtree(tasks[0].begun.parent, ignore_errors=True)
    fruitless = 0
    while waiting:
        before = len(waiting)
        for outcome in _attempt(run, list(waiting.values()), min(workers, len(waiting))):
            del waiting[outcome.name]
            yield outcome
        fruitless = fruitless + 1 if len(waiting) == before else 0
        if fruitless == FRUITLESS:
            raise BirthmarkError(
                "--workers",
                "die before they start",
                "pass fewer, or free memory; then run the command again",
            )


def _attempt(run: Engine, tasks: Sequence[Task], workers: int) -> Iterator[Outcome]:
    """Outcomes; where a worker dies, of those that were begun too, each by itself."""
    done: set[str] = set()
    try:
        for outcome in run(work, tasks, workers):
            done.add(outcome.name)
            yield outcome
    except WorkerDiedError:
        for task in tasks:
            if task.name not in done and task.begun.exists():
                yield _second(task)


def _second(task: Task) -> Outcome:
    try:
        return alone(work, task)
    except WorkerDiedError:
        task.begun.unlink(missing_ok=True)
        died = BirthmarkError(task.shown, "its worker died, twice", "run the same command again")
        return Outcome(task.name, (failed_row("", None, task.shown, died),))


def _claim(out: Path, against: Against, declared: dict[str, Any]) -> None:
    """Say in the folder what suspects are compared with, or find the same said there."""
    wanted = canonical_json(
        {"format": FORMAT, "against": against.sealed(), "declared": repr(sorted(declared.items()))}
    )
    if not (out / SCAN).exists():
        require_new_folder(out)
        with whole_file(out / SCAN) as passing:
            passing.write_bytes(wanted)
    elif read_bytes(out / SCAN, MAX_FOUND) != wanted:
        raise BirthmarkError(
            out,
            "was started with other fingerprints, another state of the registry, or other options",
            "name a new folder",
        )


def _called(suspect: str) -> str:
    """The name of a suspect's folder: another one if the file was changed."""
    file = Path(suspect)
    content = sha256_of_file(file) if file.is_file() else ""
    digest = sha256(f"{suspect}\n{content}".encode()).removeprefix("sha256:")
    return f"{_plain(suspect)}-{digest[:12]}"


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[-60:].strip("-.") or "model"


def _whole(suspect: str) -> str:
    """The same, whatever folder a worker is in."""
    return str(Path(suspect).resolve()) if Path(suspect).exists() else suspect
