"""A contrast with the victim's lineage, and more honest students among the references.

python -m benchmarks.contrast --write benchmarks/contrast.md
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from benchmarks.suspects import WATERMARKED
from joblib import Parallel, delayed

from birthmark import __version__
from birthmark.bench.accused import PROBES, SCORE, suspects
from birthmark.bench.designs import DESIGNS, OWN, Known
from birthmark.bench.draws import draws
from birthmark.bench.markdown import grid, held
from birthmark.bench.population import VICTIM, Population, other_victims
from birthmark.calibration import called
from birthmark.data.outputs import Outputs
from birthmark.scores import SCORES
from birthmark.zoo.answers import Recorded, read_answers

ZOOS = ("objects", "emotion", "diverse", "emotion-diverse")
N, ALPHA, PROBE_DRAWS, REFERENCE_DRAWS = 100, 0.01, 3, 3
ADVERSARIAL = "extracted-adversarial"


class Row(NamedTuple):
    """Whether a suspect has p <= alpha and is closer than every reference."""

    zoo: str
    group: str
    model: str
    thief: bool
    way: str
    called: bool


def with_students(known: Known) -> list[str]:
    """Four of the victim's lineage, every honest student, and others up to sixteen."""
    own, pupils = known.inside(known.own)[:OWN], known.students()
    rest = [name for lineage in known.others() for name in known.inside(lineage)[:2]]
    return own + pupils + rest[: max(0, 16 - len(own) - len(pupils))]


CHOICES = {"fitting": DESIGNS[0].choose, "more students": with_students}


def contrasted(models: list[Outputs], own: list[int]) -> tuple[list[float], list[float]]:
    """The partial score of a pool, and its contrast.

    The contrast takes from each model's number how close it is to the references of the victim's
    lineage, over the mean: what follows the lineage and not the victim falls away.

    Parameters
    ----------
    models
        The victim's answers, the suspect's, the references'.
    own
        Places of the references of the victim's lineage.
    """
    numbers = SCORES.make(SCORE).among(models)
    pool = list(range(1, len(models)))
    plain = np.array(numbers(0, pool))
    kin: list[list[float]] = [[] for _ in pool]
    for other in own:
        rest = [place for place in pool if place != other]
        for place, number in zip(rest, numbers(other, rest), strict=True):
            kin[place - 1].append(number)
    near = np.array([np.mean(some) if some else np.nan for some in kin])
    near = np.where(np.isnan(near), np.nanmean(near), near)
    return plain.tolist(), (plain - near + near.mean()).tolist()


def measured(file: Path, victim: str) -> list[Row]:
    """Every suspect around one victim."""
    recorded = read_answers(file)
    population = Population.of(recorded, victim)
    zoo = file.stem if victim == VICTIM else f"{file.stem}, {victim}"
    return list(_rows(recorded, population, zoo))


def _rows(recorded: Recorded, population: Population, zoo: str) -> Iterator[Row]:
    groups = {
        name: group
        for group, names in suspects(recorded, population).items()
        for name in names
        if recorded.record(name).recipe != "renamed"
    }
    total = len(recorded.labels(PROBES))
    for places in draws(total, N, 1, PROBE_DRAWS, 0):
        for name, group in groups.items():
            said = recorded.outputs(name, PROBES).at(list(places))
            mine = recorded.outputs(population.victim, PROBES).at(list(places)).to(said.kind)
            if said.kind is not mine.kind or said.classes != mine.classes:
                continue
            for i, (choice, choose) in enumerate(CHOICES.items()):
                for draw in range(REFERENCE_DRAWS):
                    known = Known(population, name, groups, np.random.default_rng((0, i, draw)))
                    chosen = [one for one in choose(known) if one != name]
                    pool = [
                        recorded.outputs(o, PROBES).at(list(places)).to(said.kind) for o in chosen
                    ]
                    lineages = [population.lineages[one] for one in chosen]
                    own = [2 + j for j, one in enumerate(lineages) if one == known.own]
                    both = contrasted([mine, said, *pool], own)
                    for way, (number, *rest) in zip(("partial", "contrast"), both, strict=True):
                        close = called(number, rest, lineages, known.own, ALPHA)
                        thief = name not in population.independents
                        yield Row(zoo, group, name, thief, f"{way}, {choice}", close)


def cell(rows: list[Row]) -> str:
    """The share that is called, and its interval over models."""
    if not rows:
        return "-"
    by_model: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for row in rows:
        by_model[row.zoo, row.model].append(row.called)
    share = float(np.mean([np.mean(some) for some in by_model.values()]))
    return held(share, len(by_model))


def page(rows: list[Row], seconds: float, command: str) -> str:
    """The tables."""
    ways = [f"{way}, {choice}" for choice in CHOICES for way in ("partial", "contrast")]
    table = []
    for zoo in dict.fromkeys(row.zoo for row in rows):
        here = [row for row in rows if row.zoo == zoo]
        for thief in (False, True):
            for group in dict.fromkeys(row.group for row in here if row.thief is thief):
                some = [row for row in here if row.group == group]
                if thief or any(row.called for row in some):
                    models = str(len({row.model for row in some}))
                    cells = [cell([row for row in some if row.way == way]) for way in ways]
                    table.append([zoo, ("" if thief else "innocent: ") + group, models, *cells])
    everyone = [row for row in rows if not row.thief]
    summary = [
        [
            way,
            cell([row for row in everyone if row.way == way]),
            cell([row for row in rows if row.way == way and row.group == ADVERSARIAL]),
            cell([r for r in rows if r.way == way and r.thief and r.group != ADVERSARIAL]),
        ]
        for way in ways
    ]
    return "\n".join(
        [
            "# A contrast with the victim's lineage",
            "",
            f"`{command}`, Birthmark {__version__}, Python {platform.python_version()},"
            f" {os.cpu_count()} cores, {seconds / 60:.0f} minutes. {N} `{PROBES}` probes drawn"
            f" {PROBE_DRAWS} times, references {REFERENCE_DRAWS} times, seed 0. Shares of models"
            f" with p <= {ALPHA:.0%}, closer than every reference, classes taken as they are named;"
            " population check and controls, which only take away, are left out. Intervals are 95%,"
            " Clopper-Pearson, over models.",
            "",
            "*Contrast*: from a model's number is taken how close it is to the references of the"
            " victim's lineage, each in the victim's place. *More students*: all honest students of"
            " references are among the references, instead of two.",
            "",
            grid(["score, references", "innocents", ADVERSARIAL, "other thieves"], summary),
            "",
            "Thieves, and the innocents of whom any was called:",
            "",
            grid(["zoo", "group", "models", *ways], table),
            "",
        ]
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    began = time.perf_counter()
    folder = Path(__file__).parent / "answers"
    jobs = []
    for zoo in ZOOS:
        file = folder / f"{zoo}.answers"
        others = [v for v in other_victims(read_answers(file)) if v not in WATERMARKED]
        jobs += [(file, victim) for victim in (VICTIM, *others)]
    found = Parallel(n_jobs=args.workers)(delayed(measured)(*job) for job in jobs)
    rows = [row for some in found for row in some]
    command = "python -m benchmarks.contrast --write benchmarks/contrast.md"
    text = page(rows, time.perf_counter() - began, command)
    print(text)
    if args.write:
        args.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
