"""Which probes to ask, and a score of the victim's own errors, by the rule of an audit.

python -m benchmarks.choice --write benchmarks/choice.md
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from benchmarks.suspects import WATERMARKED
from joblib import Parallel, delayed
from numpy.typing import NDArray

from birthmark import __version__
from birthmark.bench.accused import COPY, PROBES, Setting, kind_of, suspects, verdicts
from birthmark.bench.designs import DESIGNS, Known
from birthmark.bench.draws import taken
from birthmark.bench.markdown import grid
from birthmark.bench.population import VICTIM, Population, other_victims
from birthmark.calibration import called, decisive, predictions
from birthmark.data.outputs import Kind, Outputs
from birthmark.probes.peculiar import by_peculiarity
from birthmark.zoo.answers import Recorded, read_answers

CANDIDATES = 300
SIZES = (20, 100)
CHOSEN_ON = ("objects", "emotion")
USED = tuple(d for d in DESIGNS if d.name in ("fitting", "no students"))
HELPERS = 2
STUDENTS = ("honest-student", "honest-label-student")
ALPHA, DRAWS = 0.01, 2
TINY = 1e-12
AGREED = 0.85
DERIVED, STOPPED = "derived", "stopped by the population check"
Numbers = NDArray[np.float64]


def over_spread(victim: Outputs, outsiders: Sequence[Outputs]) -> NDArray[np.int64]:
    """By the victim's distance from the outsiders' mean, over their own variance and its median."""
    said = [_probabilities(one) for one in (victim, *outsiders)]
    others = np.stack(said[1:])
    far = ((said[0] - others.mean(axis=0)) ** 2).sum(axis=1)
    spread = others.var(axis=0).sum(axis=1)
    return np.argsort(-far / (spread + np.median(spread) + TINY), kind="stable")


def students(helpers: Sequence[Outputs], outsiders: Sequence[Outputs]) -> NDArray[np.int64]:
    """The trap: where the victim's own students answer otherwise than outsiders."""
    sides = [
        np.mean([_probabilities(one) for one in some], axis=0) for some in (helpers, outsiders)
    ]
    return np.argsort(-((sides[0] - sides[1]) ** 2).sum(axis=1), kind="stable")


def _probabilities(outputs: Outputs) -> Numbers:
    if outputs.kind is Kind.EMBEDDINGS:
        rows = outputs.favour()
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        cosines: Numbers = rows @ rows.T
        return cosines
    return outputs.to(Kind.PROBABILITIES).values.astype(np.float64)


Choose = Callable[[NDArray[np.int64]], NDArray[np.int64]]


def ways(recorded: Recorded, population: Population) -> dict[str, tuple[Choose | None, list[str]]]:
    """By name how probes are chosen among candidates, and whom that asks beside outsiders."""

    def at(names: Sequence[str], some: NDArray[np.int64]) -> list[Outputs]:
        return [taken(recorded.outputs(name, PROBES), some) for name in names]

    helpers = helping(recorded, population)

    def chosen(by: Callable[..., NDArray[np.int64]], names: list[str]) -> Choose:
        def choose(some: NDArray[np.int64]) -> NDArray[np.int64]:
            mine, outsiders = at(names, some), at(population.outsiders, some)
            first = mine if by is students else mine[0]
            return some[by(first, outsiders)]

        return choose

    found: dict[str, tuple[Choose | None, list[str]]] = {"drawn": (None, [])}
    if population.outsiders:
        found["peculiar"] = (chosen(by_peculiarity, [population.victim]), [])
        found["peculiar, over the outsiders' spread (a)"] = (
            chosen(over_spread, [population.victim]),
            [],
        )
        if helpers:
            found["by the victim's students (the trap)"] = (chosen(students, helpers), helpers)
    return found


def helping(recorded: Recorded, population: Population) -> list[str]:
    """Students of the victim that an owner might make: companions, or else the first thieves."""
    made = [
        r.name
        for r in recorded.records
        if r.parent == population.victim and r.recipe.startswith("extracted-") and r.task == "own"
    ]
    return sorted(made, key=lambda name: not name.startswith("surrogate"))[:HELPERS]


Row = tuple[str, str, int, str, str, str, str, str, float]
"""Zoo, way, probes, design, kind, group, model, what is counted, and its share."""


def measured(file: Path, victim: str) -> list[Row]:
    """All ways and sizes around one victim, and the score of errors."""
    recorded = read_answers(file)
    population = Population.of(recorded, victim)
    title = file.stem if victim == VICTIM else f"{file.stem}, {victim.split('/')[0]}"
    rows: list[Row] = []
    for way, (choose, helpers) in ways(recorded, population).items():
        for n in SIZES:
            setting = Setting(
                n=n,
                designs=USED,
                controls=False,
                disguised=False,
                probe_draws=DRAWS,
                reference_draws=DRAWS,
                candidates=CANDIDATES if choose else None,
                choose=choose,
            )
            for one in verdicts(recorded, victim, setting):
                if one.model not in helpers:
                    who = (title, way, n, one.design, one.kind, one.group, one.model)
                    rows += [(*who, DERIVED, float(one.derived)), (*who, STOPPED, one.strange)]
    if recorded.manifest.plan.task == "classes":
        rows += [
            (title, "the victim's own errors (d)", *rest)
            for rest in by_errors(recorded, population)
        ]
    return rows


def by_errors(
    recorded: Recorded, population: Population
) -> Iterator[tuple[int, str, str, str, str, str, float]]:
    """Score: how little mass is on the class that the victim wrongly names.

    Images are those where the victim errs and most references of its lineage that are not ranked
    do not; the others of its lineage are ranked.
    """
    labels = np.asarray(recorded.labels("natural"))
    own = population.lineages[population.victim]
    fellows = [n for n in population.references if population.lineages[n] == own]
    said = {
        name: recorded.outputs(name, "natural").to(Kind.PROBABILITIES).values.astype(np.float64)
        for name in {
            population.victim,
            *population.references,
            *(n for of in suspects(recorded, population).values() for n in of),
        }
        if recorded.outputs(name, "natural").kind is not Kind.LABELS
    }
    named = said[population.victim].argmax(axis=1)
    for draw in range(DRAWS * DRAWS):
        rng = np.random.default_rng((0, draw))
        order = [fellows[i] for i in rng.permutation(len(fellows))]
        choosing = order[: len(order) // 2]
        right = np.mean([said[n].argmax(axis=1) == labels for n in choosing], axis=0)
        at = np.flatnonzero((named != labels) & (right >= AGREED))
        if not len(at):
            continue
        for group, names in suspects(recorded, population).items():
            for name in names:
                if name not in said:
                    continue
                thief = name not in population.independents
                known = Known(population, name, {}, rng)
                chosen = [n for n in USED[0].choose(known) if n not in choosing]
                numbers = [1 - float(said[n][at, named[at]].mean()) for n in (name, *chosen)]
                lineages = [population.lineages[n] for n in chosen]
                worst = decisive(predictions(numbers[0], numbers[1:], lineages, own))
                hit = worst is not None and called(numbers[0], numbers[1:], lineages, own, ALPHA)
                kind = kind_of(recorded, name) if thief else "innocent"
                yield len(at), USED[0].name, kind, group, name, DERIVED, float(hit)


COLUMNS: dict[str, Callable[[str, str], bool]] = {
    "copies": lambda kind, _: kind == COPY,
    "by probabilities": lambda _, group: group.endswith(("probabilities", "embeddings")),
    "by labels": lambda _, group: group.endswith("extracted-labels"),
    "adversarial": lambda kind, group: kind != "innocent" and group.endswith("adversarial"),
    "all attacks": lambda kind, _: kind != "innocent",
    "innocents": lambda kind, _: kind == "innocent",
    "honest students": lambda _, group: group in STUDENTS,
    "innocents of the same recipe": lambda _, group: group == "same-recipe",
}


def table(rows: Sequence[Row], design: str) -> str:
    """A row each zoo, number of probes and way."""
    found = []
    keys = dict.fromkeys((zoo, n if "errors" not in way else 0, way) for zoo, way, n, *_ in rows)
    for zoo, n, way in sorted(keys, key=lambda key: (key[0], key[1] or 999)):
        of = [
            row
            for row in rows
            if row[:2] == (zoo, way) and row[3] == design and (row[2] == n or not n)
        ]
        if not of:
            continue
        count = str(n) if n else f"{np.mean([row[2] for row in of]):.0f}"
        cells = []
        for what, says in [*((DERIVED, one) for one in COLUMNS.values()), (STOPPED, _copy)]:
            groups: dict[str, list[float]] = {}
            for row in of:
                if says(row[4], row[5]) and row[7] == what:
                    groups.setdefault(row[5], []).append(row[8])
            cells.append(f"{np.mean([np.mean(g) for g in groups.values()]):.3f}" if groups else "-")
        found.append([zoo, count, way, *cells])
    return grid(("population", "probes", "chosen", *COLUMNS, "copies stopped"), found)


def _copy(kind: str, _: str) -> bool:
    return kind == COPY


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=Path, default=Path("benchmarks/answers"))
    parser.add_argument("--zoo", action="append", help="only these; all if none")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    began = time.monotonic()
    jobs = []
    for file in sorted(args.answers.glob("*.answers")):
        if args.zoo and file.stem not in args.zoo:
            continue
        others = other_victims(read_answers(file))
        jobs += [(file, victim) for victim in (VICTIM, *(v for v in others if v != WATERMARKED))]
    done = Parallel(n_jobs=args.workers)(delayed(measured)(*job) for job in jobs)
    rows = [row for some in done for row in some]
    parts = [
        "# Which probes to ask",
        f"Shares called derived at {ALPHA:.0%} by the rule of an audit, the population check"
        f" included, the controls not; {DRAWS} draws of {CANDIDATES} `{PROBES}` candidates or of"
        f" probes, {DRAWS} of references; a mean over attacks, and over kinds of innocents. Choices"
        f" were made on {' and '.join(f'`{name}`' for name in CHOSEN_ON)}; the other populations"
        " are judged.",
        "- *drawn*: as they come.",
        "- *peculiar*: where the victim is farthest from the outsiders' mean.",
        "- *peculiar, over the outsiders' spread (a)*: the same distance over the outsiders' own"
        " spread and its median; not adopted.",
        "- *by the victim's students (the trap)*: where students that the owner made of the victim"
        " answer otherwise than outsiders, as every method does that asks surrogates.",
        "- *the victim's own errors (d)*: a score, the mass on the class that the victim wrongly"
        f" names, on images where {AGREED:.0%} of the references of its lineage that are not ranked"
        " are right.",
        "*Copies stopped*: by the population check, which looks at the same probes.",
        "## Four of the victim's lineage, two of each of five others, two students",
        table(rows, USED[0].name),
        "## One more lineage instead of the students (c)",
        table(rows, USED[1].name),
        f"`python -m benchmarks.choice --write {args.write}`; birthmark {__version__},"
        f" {platform.machine()}, {(time.monotonic() - began) / 60:.0f} minutes; seed 0.",
    ]
    args.write.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
