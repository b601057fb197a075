"""How many probes a sequential audit asks, on the recorded answers of every zoo.

python -m benchmarks.sequential --write benchmarks/sequential.md
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from benchmarks.choice import COLUMNS
from joblib import Parallel, delayed
from numpy.typing import NDArray

from birthmark import __version__
from birthmark.bench.accused import PROBES, Choose, Setting, Verdict, verdicts
from birthmark.bench.designs import DESIGNS
from birthmark.bench.draws import taken
from birthmark.bench.markdown import grid
from birthmark.bench.population import Population
from birthmark.calibration import spent
from birthmark.probes.peculiar import by_peculiarity
from birthmark.zoo.answers import Recorded, read_answers

LOOKS = (20, 30, 50, 70, 100)
CANDIDATES = 300
ALPHA = 0.01
DRAWS = 2
USED = tuple(d for d in DESIGNS if d.name in ("fitting", "all"))
SPENT: dict[str, dict[int, float]] = {
    "five looks, as asked": {n: spent(i, len(LOOKS)) for i, n in enumerate(LOOKS, 1)},
    "five looks, alike": dict.fromkeys(LOOKS, 0.2),
    "five looks, most at the first": {20: 0.6, 30: 0.1, 50: 0.1, 70: 0.1, 100: 0.1},
    "two looks, alike": {20: 0.5, 100: 0.5},
}
"""By name which share of alpha each look gets."""
SHOWN = ("copies", "by probabilities", "by labels", "innocents")
Key = tuple[str, str, str, str, int]


def orders(recorded: Recorded) -> dict[str, Choose]:
    """How candidates are put in order: as drawn, or the most peculiar first."""
    population = Population.of(recorded)

    def drawn(some: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.random.default_rng(0).permutation(some)

    def peculiar(some: NDArray[np.int64]) -> NDArray[np.int64]:
        names = (population.victim, *population.outsiders)
        victim, *outsiders = (taken(recorded.outputs(name, PROBES), some) for name in names)
        return some[by_peculiarity(victim, outsiders)]

    found: dict[str, Choose] = {"drawn": drawn}
    return found | ({"peculiar": peculiar} if population.outsiders else {})


def measured(file: Path) -> list[tuple[str, str, str, str, str, list[float]]]:
    """Zoo, order, design, kind and group, and p at every look; 1 where a reference is closer."""
    recorded = read_answers(file)
    rows = []
    for order, choose in orders(recorded).items():
        seen: dict[Key, list[float]] = defaultdict(list)
        for n in LOOKS:
            setting = Setting(
                n=n,
                designs=USED,
                controls=False,
                disguised=False,
                probe_draws=DRAWS,
                reference_draws=DRAWS,
                candidates=CANDIDATES,
                choose=choose,
            )
            counted: dict[tuple[str, str], int] = defaultdict(int)
            for one in verdicts(recorded, setting=setting):
                i = counted[one.design, one.model]
                counted[one.design, one.model] += 1
                seen[one.design, one.kind, one.group, one.model, i].append(_p(one))
        rows += [
            (file.stem, order, design, kind, group, ps)
            for (design, kind, group, _, _), ps in seen.items()
        ]
    return rows


def _p(one: Verdict) -> float:
    closest = one.rank <= 1 / (one.references + 1) + 1e-9
    return one.p_value if closest and not one.strange else 1.0


def asked(ps: Sequence[float], shares: dict[int, float]) -> float:
    """Probes until it is called; infinite if it never is."""
    return next(
        (n for n, p in zip(LOOKS, ps, strict=True) if p <= ALPHA * shares.get(n, 0.0)), np.inf
    )


def table(rows: Sequence[tuple[str, str, str, str, str, list[float]]], design: str) -> str:
    """A row each zoo, order and schedule."""
    found = []
    for zoo, order in dict.fromkeys(row[:2] for row in rows):
        of = [row for row in rows if row[:3] == (zoo, order, design)]
        for name, shares in ({"20 probes": {20: 1.0}, "100 probes": {100: 1.0}} | SPENT).items():
            cells = []
            for shown in SHOWN:
                until = [asked(r[5], shares) for r in of if COLUMNS[shown](r[3], r[4])]
                middle = float(np.median(until)) if until else np.inf
                cells += [
                    f"{np.mean(np.isfinite(until)):.2f}" if until else "-",
                    f"{middle:.0f}" if np.isfinite(middle) else "-",
                ]
            found.append([zoo, order, name, *cells[:-1]])
    heads = [text for shown in SHOWN for text in (shown, "median probes")][:-1]
    return grid(("population", "order", "schedule", *heads), found)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=Path, default=Path("benchmarks/answers"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    began = time.monotonic()
    files = sorted(args.answers.glob("*.answers"))
    done = Parallel(n_jobs=args.workers)(delayed(measured)(file) for file in files)
    rows = [row for some in done for row in some]
    parts = [
        "# The sequential audit",
        f"Shares called derived at {ALPHA:.0%} in all, and median probes to the call over all"
        " suspects (a dash where most are not called). Each look gets a share of alpha, so"
        " the rate holds however looks depend on each other (Bonferroni); `birthmark audit"
        " --stop-early` takes *five looks, as asked*: a tenth of alpha each, the rest at the last,"
        f" chosen on `objects` and `emotion`. Probes are `{PROBES}`, {CANDIDATES} candidates"
        f" as drawn or the most peculiar first; {DRAWS} draws of them and of references. The"
        " population check is included, the controls are not.",
    ]
    for design in USED:
        parts += [f"## References: {design.about}", table(rows, design.name)]
    parts.append(
        f"`python -m benchmarks.sequential --write {args.write}`; birthmark {__version__},"
        f" {platform.machine()}, {(time.monotonic() - began) / 60:.0f} minutes; seed 0."
    )
    args.write.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
