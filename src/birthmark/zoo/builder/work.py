"""What a worker does, and what comes of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from birthmark.common.errors import BirthmarkError
from birthmark.zoo.models.member import Member
from birthmark.zoo.models.record import Record
from birthmark.zoo.plan import Plan


@dataclass(frozen=True)
class Task:
    """A model to make in a zoo's folder, with the keys that its record is to have."""

    plan: Plan
    member: Member
    key: str
    victim: str
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """A record, or why there is none.

    Attributes
    ----------
    trained
        Whether it was made now; not where only its comparison with the victim was.
    hopeless
        Whether trying again would fail in the same way.
    """

    name: str
    record: Record | None = None
    trained: bool = False
    failure: str | None = None
    hopeless: bool = False


def begun_file(folder: Path, name: str) -> Path:
    """Tells that a worker has begun a model; gone when it has an outcome."""
    return folder / "begun" / name.replace("/", "-")


def work(task: Task) -> Outcome:
    """Make one model on one thread; every failure is an outcome."""
    import torch

    from birthmark.zoo.builder.build import build, made

    torch.set_num_threads(1)
    mark = begun_file(task.folder, task.member.name)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(str(os.getpid()))
    try:
        trained = made(task.folder, task.member, task.key) is None
        record = build(task.plan, task.member, task.key, task.victim, task.folder)
        return Outcome(task.member.name, record, trained)
    except BirthmarkError as error:
        return Outcome(task.member.name, failure=str(error), hopeless=True)
    except Exception as error:  # a recipe or a user's factory may raise anything
        return Outcome(task.member.name, failure=f"{type(error).__name__}: {error}")
    finally:
        mark.unlink(missing_ok=True)
