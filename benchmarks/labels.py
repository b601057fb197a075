"""What matching of classes costs and finds: simulated answers, and those of recorded zoos.

python benchmarks/labels.py --write benchmarks/labels.md
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from birthmark.bench.markdown import grid
from birthmark.bench.population import Population
from birthmark.data.outputs import Kind, Outputs, coarser, common_classes
from birthmark.probes.peculiar import by_peculiarity
from birthmark.scores import SCORES
from birthmark.scores.lined_up import all_keep_names
from birthmark.zoo.answers import read_answers
from names_world import World

REFERENCES = 20
COPIED = 0.15
"""The share of images that a simulated thief answers as the victim: hard to find."""
OURS = "partial0.03"
HEAD = (
    "thief: ours",
    "thief: agreement or pointwise cosine",
    "innocent: ours",
    "innocent with renamed classes: ours",
    "thief with renamed classes: ours",
    "pools of independent models matched for nothing",
)


def closest(score: str, victim: Outputs, suspect: Outputs, references: Sequence[Outputs]) -> bool:
    """Whether a suspect is closer to the victim than all references."""
    first, *pool = common_classes([victim, suspect, *references])
    own, *others = SCORES.make(score)(first, pool)
    return own < min(others)


def renamed(outputs: Outputs, rng: np.random.Generator) -> Outputs:
    """The same with all classes called otherwise."""
    order = rng.permutation(outputs.classes)
    if outputs.kind is Kind.LABELS:
        return Outputs(order[outputs.values], outputs.kind, outputs.classes)
    return Outputs(outputs.values[:, order], outputs.kind, outputs.classes)


def judged(
    victim: Outputs,
    thief: Outputs,
    innocent: Outputs,
    references: Sequence[Outputs],
    rng: np.random.Generator,
) -> list[float]:
    """One trial: what happened, in the order of `HEAD`."""
    plain = "agreement" if victim.kind is Kind.LABELS else "pointwise-cosine"
    first, *others = common_classes([victim, innocent, *references])
    return [
        closest(OURS, victim, thief, references),
        closest(plain, victim, thief, references),
        closest(OURS, victim, innocent, references),
        closest(OURS, victim, renamed(innocent, rng), references),
        closest(OURS, victim, renamed(thief, rng), references),
        float(not all_keep_names(first, others)),
    ]


def told(rates: np.ndarray) -> list[str]:
    """Rates with their 95% intervals."""
    cells = []
    for values in rates.T:
        interval = binomtest(int(values.sum()), len(values)).proportion_ci(method="wilson")
        cells.append(f"{values.mean():.2f} ({interval.low:.2f} to {interval.high:.2f})")
    return cells


def simulated(
    classes: int, n: int, trials: int, tell: Callable[[World, np.ndarray], Outputs], *, wrong: bool
) -> np.ndarray:
    """Trials of one simulated setting, (trials, 6)."""
    rows = []
    for seed in range(trials):
        world = World(classes, n, seed, wrong=wrong, copied=COPIED)
        victim, thief, innocent, *references = (
            tell(world, said)
            for said in (
                world.victim,
                world.thief(),
                world.model(),
                *(world.model() for _ in range(REFERENCES)),
            )
        )
        rows.append(judged(victim, thief, innocent, references, world.rng))
    return np.array(rows, dtype=float)


def zoo(file: Path, kind: Kind, n: int, *, peculiar: bool, trials: int) -> np.ndarray:
    """Trials on recorded answers: other probes, thief, innocent and references each time."""
    recorded = read_answers(file)
    known = Population.of(recorded)
    thieves = [
        name
        for attack in known.attacks
        if not attack.new_head
        for name, kept in zip(attack.thieves, attack.kept, strict=True)
        if kept and kind in coarser(recorded.outputs(name, "jpeg25").kind)
    ]
    rows = []
    for seed in range(trials):
        rng = np.random.default_rng(seed)

        def answers(name: str) -> Outputs:
            return recorded.outputs(name, "jpeg25").to(kind)

        victim = answers(known.victim)
        places = rng.permutation(len(victim))[: 3 * n]
        if peculiar:
            outsiders = [answers(one).at(places.tolist()) for one in known.outsiders]
            places = places[by_peculiarity(victim.at(places.tolist()), outsiders)]
        places = places[:n]
        chosen = rng.permutation(known.references)[:REFERENCES]
        thief, innocent = rng.choice(thieves), rng.choice(known.independents)
        some = [answers(str(one)).at(places.tolist()) for one in (thief, innocent, *chosen)]
        rows.append(judged(victim.at(places.tolist()), some[0], some[1], some[2:], rng))
    return np.array(rows, dtype=float)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, required=True)
    parser.add_argument("--answers", type=Path, default=Path("benchmarks/answers"))
    parser.add_argument("--trials", type=int, default=200)
    args = parser.parse_args()
    began = time.perf_counter()
    trials: int = args.trials
    labels = []
    for wrong, sizes in ((True, (50, 100, 200)), (False, (100,))):
        for classes in (10, 100, 1_000, 10_000):
            for n in sizes:
                rates = simulated(classes, n, trials, World.labels, wrong=wrong)
                what = "victim's errors" if wrong else "drawn"
                labels.append([f"{classes:,}", f"{what}, {n}", *told(rates)])
                print(labels[-1], flush=True)
    logits = []
    for classes, share in ((10, 1), (100, 2), (1_000, 10)):
        rates = simulated(classes, 100, trials // share, World.logits, wrong=True)
        logits.append(
            [f"{classes:,}", f"victim's errors, 100; {trials // share} trials", *told(rates)]
        )
        print(logits[-1], flush=True)
    zoos = []
    for name in ("objects", "objects-large", "emotion"):
        for kind in (Kind.LABELS, Kind.PROBABILITIES):
            for peculiar in (False, True):
                rates = zoo(
                    args.answers / f"{name}.answers", kind, 100, peculiar=peculiar, trials=trials
                )
                what = "peculiar among 300" if peculiar else "drawn"
                zoos.append([f"{name}, {kind}", f"{what}, 100", *told(rates)])
                print(zoos[-1], flush=True)
    head = ["", "probes", *HEAD]
    parts = [
        "# Names of classes",
        "How often a suspect is closer to the victim than 20 references (1/21 = .05 is chance),"
        f" with 95% intervals, {trials} trials each, seeds 0 to {trials - 1}. Models keep their own"
        " names of classes where they agree with the victim, or with what most of the pool say,"
        " above chance; where one of a pool does not, the classes of every model of it are matched"
        " from shuffled ones (`birthmark.scores.lined_up`), which costs power and no rate."
        " Written by"
        f" `python benchmarks/labels.py --write benchmarks/labels.md --trials {trials}`"
        f" in {(time.perf_counter() - began) / 60:.0f} minutes on a loaded machine"
        f" ({platform.machine()}, numpy {np.__version__}).",
        "## Simulated labels",
        "Images of other images' classes, four that each may be taken for, and models that err by"
        f" themselves; a thief answers {COPIED:.0%} of the images as the victim does, and the"
        " others as it would without it (`tests/names_world.py`).",
        grid(["classes", *head[1:]], labels),
        "## Simulated logits",
        grid(["classes", *head[1:]], logits),
        "## Recorded answers of zoos",
        "Thieves of all attacks that keep the label set and accuracy, and tell as much; ten or"
        " seven classes.",
        grid(["zoo", *head[1:]], zoos),
    ]
    args.write.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
