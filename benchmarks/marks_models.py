"""Marked victims, what thieves make of them, and honest models; trained once and kept.

python -m benchmarks.marks_models --data ../shared/data --keep /tmp/marks
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from birthmark.zoo.builder import build_zoo
from birthmark.zoo.plan import Plan, checked

Group = dict[str, Any]

WEIGHTS = ("uchida", "passport", "deepmarks")
MARKS = (
    "random-labels", "content", "uchida", "patch", "style", "passport", "noise", "deepmarks",
    "unrelated", "inherited",
)  # fmt: skip
"""In the order of training; a mark's models depend on those before it by their seeds only."""
STUDENTS = ["vgg", "squeeze"]
TASKS: dict[str, dict[str, Any]] = {
    "objects": {
        "images": {"source": "cifar10", "size": 32, "channels": 3},
        "splits": {"pool": "test", "probes": 400, "selection": 50},
        "schedule": {"epochs": 6, "rate": 0.1},
        "augment": "shift",
    },
    "emotion": {
        "images": {"source": "fer2013", "size": 48, "channels": 1},
        "splits": {"pool": "test", "probes": 400, "selection": 50},
        "schedule": {"epochs": 6, "rate": 0.1},
        "augment": "shift",
    },
}


def victim(mark: str) -> Group:
    """How a victim with a mark is trained; each has a secret of its own."""
    secret = 100 + MARKS.index(mark)
    if mark in WEIGHTS:
        return {"recipe": "weight-marked", "parameters": {"mark": mark, "secret": secret}}
    if mark == "inherited":
        return {"recipe": "inherited", "parameters": {"secret": secret}}
    return {"recipe": "backdoored", "parameters": {"mark": mark, "secret": secret}}


def thieves(mark: str) -> list[Group]:
    """What thieves make of a marked victim, the cheap ones first."""
    tuned = {"layers": "all", "epochs": [1, 2], "rate": 0.02}
    students = {"parents": [mark], "families": STUDENTS, "parameters": {"epochs": 8}}
    copies: list[Group] = [
        {"name": f"{mark}-finetuned", "recipe": "finetuned", "count": 2, "parents": [mark],
         "parameters": tuned},
        {"name": f"{mark}-fine-pruned", "recipe": "fine-pruned", "count": 2, "parents": [mark],
         "parameters": {"ratio": [0.1, 0.3]}},
        {"name": f"{mark}-taylor-pruned", "recipe": "taylor-pruned", "count": 1,
         "parents": [mark], "parameters": {"ratio": 0.3}},
    ]  # fmt: skip
    if mark in WEIGHTS:
        own = {"parents": [mark], "families": ["vgg"], "parameters": {"epochs": 8}}
        name = f"{mark}-by-probabilities"
        return [*copies, {"name": name, "recipe": "extracted-probabilities", "count": 1, **own}]
    return [
        *copies,
        {"name": f"{mark}-by-labels", "recipe": "extracted-labels", "count": 2, **students},
        {"name": f"{mark}-by-probabilities", "recipe": "extracted-probabilities", "count": 2,
         **students},
        {"name": f"{mark}-adversarial", "recipe": "extracted-adversarial", "count": 1,
         "parents": [f"{mark}-by-labels"], "parameters": {"labels": f"{mark}/0"}},
    ]  # fmt: skip


def groups(marks: tuple[str, ...]) -> list[Group]:
    """All groups: honest ones first, then each mark's victim and thieves."""
    own = {"recipe": "trained", "data": ["owner"], "families": ["vgg"]}
    made: list[Group] = [
        {"name": "victim", "role": "victim", "count": 1, "parameters": {"epochs": 10}, **own},
        {"name": "same-recipe", "role": "independent", "count": 4, "parameters": {"epochs": 10},
         **own},
        {"name": "outsider", "role": "companion", "recipe": "trained", "count": 3,
         "data": ["half"]},
        {"name": "independent", "role": "independent", "recipe": "trained", "count": 4,
         "data": ["thief", "half"]},
        {"name": "honest-label-student", "role": "independent", "recipe": "extracted-labels",
         "count": 1, "parents": ["independent"], "parameters": {"epochs": 8}},
        {"name": "honest-student", "role": "independent", "recipe": "extracted-probabilities",
         "count": 1, "parents": ["independent"], "parameters": {"epochs": 8}},
        {"name": "honest-adversarial", "role": "independent", "recipe": "extracted-adversarial",
         "count": 1, "parents": ["honest-label-student"], "parameters": {"labels": "true"}},
    ]  # fmt: skip
    for mark in marks:
        begun = victim(mark)
        begun["parameters"] = {**begun["parameters"], "epochs": 10}
        made.append({"name": mark, "role": "other", "count": 1, "data": ["owner"],
                     "families": ["vgg"], **begun})  # fmt: skip
        made += [{"role": "other", **one} for one in thieves(mark)]
    return made


def plan(task: str, marks: tuple[str, ...] = MARKS) -> Plan:
    """The plan of a task's population."""
    families = {name: {"net": name} for name in ("vgg", "resnet", "squeeze")}
    return checked(
        {
            "name": f"marks-{task}",
            "about": "Marked victims, their thieves, and honest models.",
            "task": "classes",
            **TASKS[task],
            "families": families,
            "transfer": {"source": "tiny-imagenet", "classes": [0, 1], "images": 100},
            "foreign": {"source": "tiny-imagenet", "images": 8000},
            "answers": {"probes": {"natural": 100}},
            "scales": {"cpu": {"share": 0.5}},
            "groups": groups(marks),
        },
        "marks",
    )


def main() -> None:
    """Train what is not there yet, with a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--task", choices=sorted(TASKS), default="objects")
    args = parser.parse_args()
    for count in range(1, len(MARKS) + 1):
        done = build_zoo(
            plan(args.task, MARKS[:count]),
            args.data,
            args.keep / args.task,
            told=lambda one: print(
                one.name,
                one.failure or (one.record and f"{one.record.accuracy:.3f}"),
                one.record and f"{one.record.seconds:.0f} s",
                flush=True,
            ),
        )
        print(f"{MARKS[count - 1]}: {len(done.records)} models, {done.failures}", flush=True)


if __name__ == "__main__":
    main()
