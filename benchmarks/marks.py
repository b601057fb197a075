"""What each mark costs, and which thieves it tells; beside them the weights witness.

python -m benchmarks.marks --keep /tmp/marks --write benchmarks/marks.md
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from benchmarks.marks_models import MARKS, TASKS, WEIGHTS, victim
from numpy.typing import NDArray

from birthmark.bench.markdown import grid
from birthmark.common.digests import sha256
from birthmark.data.outputs import Outputs
from birthmark.models.weights import read_weights
from birthmark.training.inputs import scaled
from birthmark.witnesses.weights.witness import compare
from birthmark.zoo.images.arrays import load
from birthmark.zoo.marks.external_features import move_p
from birthmark.zoo.marks.triggers import Triggers
from birthmark.zoo.marks.weights import Key, layer
from birthmark.zoo.models.model import ZooModel
from birthmark.zoo.models.record import Record, read, weights_file
from birthmark.zoo.models.store import built
from birthmark.zoo.plan import Plan, Role, open_zoo
from birthmark.zoo.recipes.weight_marked import accuracy_with_passport

ALPHA = 0.01
KINDS = {
    "finetuned": "fine-tuned",
    "fine-pruned": "fine-pruned",
    "taylor-pruned": "Taylor-pruned",
    "by-labels": "student of labels",
    "by-probabilities": "student of probabilities",
    "adversarial": "adversarial student",
}
NAMES = {
    "random-labels": "random labels (Adi et al. 2018)",
    "content": "content (Zhang et al. 2018)",
    "noise": "noise (Zhang et al. 2018)",
    "unrelated": "unrelated (Zhang et al. 2018)",
    "patch": "patch (BadNets, 2017)",
    "style": "style (MOVE, 2022), by rank",
    "inherited": "inherited (after Ge et al. 2021)",
    "uchida": "Uchida et al. 2017",
    "deepmarks": "DeepMarks, 2019",
    "passport": "passport (Fan 2019, Zhang 2020)",
}
MOVE, WITNESS = "style, MOVE's own test", "our weights witness, no mark"


@dataclass
class Zoo:
    """A population that is built, or as much of it as there is."""

    folder: Path
    plan: Plan
    records: dict[str, Record] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Zoo:
        """Read it."""
        plan = open_zoo(folder)
        names = [
            str(file.relative_to(folder / "models").with_suffix(""))
            for file in sorted((folder / "models").rglob("*.json"))
        ]
        return cls(folder, plan, {name: one for name in names if (one := read(folder, name))})

    def model(self, name: str) -> ZooModel:
        """A model of it."""
        return built(self.plan, self.folder, name)

    def thieves(self, mark: str, kind: str) -> list[str]:
        """Names of the thieves of a kind."""
        return [name for name in self.records if name.startswith(f"{mark}-{kind}/")]

    def honest(self) -> list[str]:
        """Names of the unmarked models that are judged."""
        roles = (Role.VICTIM, Role.INDEPENDENT)
        return [name for name, one in self.records.items() if one.role in roles]

    def unmarked(self) -> list[float]:
        """Accuracies of the victim's recipe without a mark."""
        return [
            one.accuracy for one in self.records.values() if one.group in ("victim", "same-recipe")
        ]


@dataclass(frozen=True)
class Said:
    """What a scheme says of a model: how much of the mark is there, in words, and p."""

    found: str
    p: float
    queries: int
    seconds: float


def schemes(zoo: Zoo, mark: str) -> dict[str, Callable[[str], Said]]:
    """The ways to read a mark, and the weights witness, each from a model's name."""
    own, foreign = load(zoo.folder / "data" / "own"), load(zoo.folder / "data" / "foreign")
    secret = int(victim(mark)["parameters"]["secret"])
    outsiders = [
        remembered(zoo.model(name).answer)
        for name, one in zoo.records.items()
        if one.role is Role.COMPANION
    ]

    kind = "smooth" if mark == "inherited" else mark
    triggers = Triggers(kind, secret, own, foreign)  # type: ignore[arg-type]

    def triggered(name: str) -> Said:
        began = time.process_time()
        found = triggers.read(zoo.model(name).answer, outsiders)
        seconds = time.process_time() - began
        return Said(f"{found.hits}/{found.asked}", found.p_value, found.queries, seconds)

    def written(name: str) -> Said:
        shape = tuple(layer(zoo.model(f"{mark}/0").net).weight.shape)
        began = time.process_time()
        left = Key(mark, secret, shape).left(zoo.model(name).net)  # type: ignore[arg-type]
        seconds = time.process_time() - began
        what = f"{left.right:.2f}" + ("" if left.user is None else f", user {left.user}")
        return Said(what.lower(), left.p_value, 0, seconds)

    def moved(name: str) -> Said:
        number = triggers.secret.pattern
        some = [
            torch.from_numpy(own.pixels[own.parts[part][:count]])
            for part, count in (("owner", 500), ("probes", 10))
        ]
        learnt, asked = ((one.numpy(), triggers.put_on(one, number).numpy()) for one in some)
        marked, benign, suspect = (zoo.model(one).answer for one in (f"{mark}/0", "victim", name))
        began = time.process_time()
        p = move_p(marked, benign, suspect, learnt, asked)
        return Said("", p, 20, time.process_time() - began)

    def witness(name: str) -> Said:
        began = time.process_time()
        files = [weights_file(zoo.folder, one) for one in (f"{mark}/0", name)]
        found = compare(*(read_weights(file) for file in files))
        seconds = time.process_time() - began
        return Said("", 1.0 if found.p_value is None else found.p_value, 0, seconds)

    made: dict[str, Callable[[str], Said]] = {
        NAMES[mark]: written if mark in WEIGHTS else triggered
    }
    if mark == "style":
        made[MOVE] = moved
    made[WITNESS] = witness
    return {way: kept(zoo, mark, way, ask) for way, ask in made.items()}


def kept(zoo: Zoo, mark: str, way: str, ask: Callable[[str], Said]) -> Callable[[str], Said]:
    """The same, but what was measured before is read from the disk."""
    file = zoo.folder / "said.json"

    def again(name: str) -> Said:
        known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        key = "|".join(
            [way, zoo.records[f"{mark}/0"].weights or "", zoo.records[name].weights or ""]
        )
        if key not in known:
            known[key] = asdict(ask(name))
            file.write_text(json.dumps(known))
        return Said(**known[key])

    return again


def remembered(answer: Callable[[NDArray[np.uint8]], Outputs]) -> Callable[..., Outputs]:
    """The same, asked each thing once."""
    known: dict[str, Outputs] = {}

    def ask(pixels: NDArray[np.uint8]) -> Outputs:
        key = sha256(np.ascontiguousarray(pixels).tobytes())
        if key not in known:
            known[key] = answer(pixels)
        return known[key]

    return ask


def cell(said: Sequence[Said]) -> str:
    """How many are told, and their p-values and what was read."""
    if not said:
        return "-"
    ps = sorted(one.p for one in said)
    told = f"{sum(p <= ALPHA for p in ps)} of {len(ps)}"
    between = f"{ps[0]:.1g}" if len(ps) == 1 else f"{ps[0]:.1g} to {ps[-1]:.1g}"
    what = ", ".join(one.found for one in said if one.found)
    return f"{told} (p {between}" + (f"; {what})" if what else ")")


def tables(zoo: Zoo, marks: Sequence[str]) -> list[str]:
    """All tables of a population."""
    plain = zoo.unmarked()
    middle, spread = float(np.mean(plain)), float(np.std(plain, ddof=1))
    costs, told, alarms = [], [], []
    witness: dict[str, list[Said]] = defaultdict(list)
    for mark in marks:
        record = zoo.records[f"{mark}/0"]
        ways = schemes(zoo, mark)
        for way, ask in ways.items():
            said = ask(f"{mark}/0")
            found = {kind: [ask(n) for n in zoo.thieves(mark, kind)] for kind in KINDS}
            others = [
                name
                for other in marks
                if other != mark
                for name in (f"{other}/0", f"{other}-by-probabilities/0")
                if name in zoo.records
            ]
            if way == WITNESS and mark != marks[0]:
                others = []
            honest = [ask(name) for name in zoo.honest() if way != WITNESS or mark == marks[0]]
            foreign = [ask(name) for name in others]
            if way == WITNESS:
                for kind, some in found.items():
                    witness[kind] += some
                witness["honest"] += honest
                witness["other"] += foreign
                continue
            if way != MOVE:
                costs.append(
                    [
                        way,
                        f"{record.accuracy:.3f}",
                        f"{record.accuracy - middle:+.3f}",
                        f"{said.found} (p {said.p:.1g})",
                        str(said.queries),
                        f"{said.seconds:.1f}",
                    ]
                )
            told.append([way, *(cell(found[kind]) for kind in KINDS)])
            alarms.append(alarm(way, honest, foreign))
            print(mark, way, flush=True)
    told.append([WITNESS, *(cell(witness[kind]) for kind in KINDS)])
    alarms.append(alarm(WITNESS, witness["honest"], witness["other"]))
    return [
        f"{len(plain)} victims without a mark, trained alike with other seeds, have an accuracy of"
        f" {middle:.3f} (standard deviation {spread:.3f}) on {test_images(zoo)} images.",
        "### What a mark costs",
        grid(
            ["mark", "accuracy", "cost", "read of the victim", "queries", "seconds to read"],
            costs,
        ),
        passports(zoo, marks),
        "### Which thieves are told",
        grid(["", *KINDS.values()], told),
        "Accuracy of the thieves: "
        + ", ".join(
            f"{what} {np.mean(right):.3f}"
            for kind, what in KINDS.items()
            if (right := [zoo.records[n].accuracy for m in marks for n in zoo.thieves(m, kind)])
        )
        + ".",
        "### Who is accused wrongly",
        grid(
            ["", "honest models", "accused at 1%", "least p", "models with other marks",
             "accused at 1%", "least p"],
            alarms,
        ),
    ]  # fmt: skip


def alarm(way: str, honest: Sequence[Said], others: Sequence[Said]) -> list[str]:
    """How many that owe the mark nothing are accused."""
    row = [way]
    for some in (honest, others):
        row += [str(len(some)), str(sum(one.p <= ALPHA for one in some))]
        row += [f"{min(one.p for one in some):.1g}" if some else "-"]
    return row


@cache
def _test(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    own = load(folder / "data" / "own")
    some = own.parts["test"]
    return scaled(torch.from_numpy(own.pixels[some])), torch.from_numpy(own.labels[some])


def test_images(zoo: Zoo) -> int:
    """How many images accuracy is measured on."""
    return len(_test(zoo.folder)[1])


def passports(zoo: Zoo, marks: Sequence[str]) -> str:
    """What the victim with a passport is worth with it, and with others."""
    if "passport" not in marks:
        return ""
    net = zoo.model("passport/0").net
    shape, secret = tuple(layer(net).weight.shape), int(victim("passport")["parameters"]["secret"])
    right, *wrong = (
        accuracy_with_passport(net, Key("passport", secret + i, shape), *_test(zoo.folder))
        for i in range(4)
    )
    return (
        f"With its passport the victim has an accuracy of {right:.3f}, with three forged ones"
        f" {min(wrong):.3f} to {max(wrong):.3f}."
    )


ABOUT = """\
Marked victims and victims without a mark are trained alike on the owner's images; thieves and
honest models as in the zoo `diverse`, at its size. *Cost*: accuracy less the mean of the victims
without a mark. *Read*: triggers answered as trained, of so many; share of bits that are right, or
the cosine. *Told*: p at most 1%. Each p-value is exact for whoever owes the secret nothing, but
for MOVE's own. By rank it cannot be below 1 / (patterns x targets): 1/1,000, of styles 1/300, of
unrelated classes 1/500. *Seconds*: of a core, to read one model.

Where patterns are drawn, all of them are asked, which is what an exact p-value costs; that of
random labels is a binomial's and asks the triggers alone. What three honest models say, which
serve for nothing else, is taken off first. Victims with patterns also see images with *other*
patterns under their true labels, which the papers don't have. There is one victim for each mark and
few thieves: read the table as a trial. Students have their own weights, so marks in weights were
tried on one. The weight and the other patterns of `inherited` were chosen in four trials on the
same images, by its victim's accuracy and what it and one student showed."""


def main() -> None:
    """Measure what is there, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    parts = [
        "# Marks: what they cost and what they tell",
        "Written by `python -m benchmarks.marks --keep marks --write benchmarks/marks.md`, of"
        " models that `python -m benchmarks.marks_models` trains, on"
        f" {platform.system()} {platform.machine()}, torch {torch.__version__}.",
        ABOUT.replace("\n", " ").replace("  ", "\n\n"),
    ]
    for task in TASKS:
        if (args.keep / task / "models" / "victim.json").exists():
            zoo = Zoo.of(args.keep / task)
            marks = [mark for mark in MARKS if f"{mark}/0" in zoo.records]
            parts += [f"## {task.capitalize()}: {len(zoo.records)} models", *tables(zoo, marks)]
    args.write.write_text("\n\n".join(part for part in parts if part) + "\n")


if __name__ == "__main__":
    main()
