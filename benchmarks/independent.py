"""Who is called independent: thieves by attack and innocents by kind, zoo by zoo.

python -m benchmarks.independent --write benchmarks/independent.md
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from benchmarks.strength import fit
from benchmarks.suspects import Seen, together

from birthmark import __version__
from birthmark.bench.accused import COPY, EXTRACTION, INNOCENT, SCORE, Setting
from birthmark.bench.designs import DESIGNS
from birthmark.bench.likelihood import Flags, Numbers
from birthmark.bench.markdown import grid
from birthmark.calibration.strength import ENOUGH, evidence

ABOVE = 0.5
SHOWN = ("fitting", "five", "all", "lineage left out")


def powers(some: Seen) -> dict[str, Numbers]:
    """By kind of thief the power that each audit would state, measured on the other zoos."""
    found = {kind: np.zeros(len(some.kinds)) for kind in (COPY, EXTRACTION)}
    for zoo in sorted(set(some.zoos)):
        here = some.zoos == zoo
        known = fit(some.where(~here))
        for begun in (False, True):
            rows = here & (some.begun == begun)
            kind_of_start = "checkpoint" if begun else "random"
            alike = [name for name, start in known.populations.items() if start == kind_of_start]
            for kind, of in ((COPY, known.copied), (EXTRACTION, known.extracted)):
                found[kind][rows] = [of.found(float(x), alike) for x in some.reach[rows]]
    return found


def by_group(some: Seen, before: Flags, now: Flags) -> str:
    """A row each group of suspects, two columns each design: by p alone, and with power."""
    rows = []
    for group in sorted(set(some.groups), key=lambda g: _order(some, g)):
        of = some.groups == group
        cells = []
        for name in SHOWN:
            chosen = of & (some.designs == name)
            cells += (
                [f"{before[chosen].mean():.2f}", f"{now[chosen].mean():.2f}"]
                if chosen.any()
                else ["-", "-"]
            )
        models = len(set(zip(some.populations[of], some.models[of], strict=True)))
        rows.append([str(some.kinds[of][0]), group, str(models), *cells])
    heads = (text for name in SHOWN for text in (f"{name}: p > {ABOVE:g}", "and power"))
    return grid(("kind", "suspects", "models", *heads), rows)


def stated(some: Seen, found: dict[str, Numbers]) -> str:
    """The power that audits of copies would state, and the share that lay below their line."""
    rows = []
    for kind, power in found.items():
        for name in sorted(set(some.populations)):
            of = (some.kinds == kind) & (some.populations == name)
            cells = []
            for design in SHOWN:
                chosen = of & (some.designs == design)
                if chosen.any():
                    real = (some.nearness[chosen] < some.reach[chosen]).mean()
                    cells.append(f"{power[chosen].mean():.2f} / {real:.2f}")
                else:
                    cells.append("-")
            rows.append([kind, name, *cells])
    return grid(("thieves", "population", *SHOWN), rows)


def _order(some: Seen, group: str) -> tuple[bool, bool, str]:
    kind = some.kinds[some.groups == group][0]
    return kind != INNOCENT, kind == EXTRACTION, group


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", type=Path, default=Path("benchmarks/answers"))
    parser.add_argument("-n", type=int, default=100)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    began = time.monotonic()
    some = together(sorted(args.answers.glob("*.answers")), args.n)
    minutes = (time.monotonic() - began) / 60
    command = f"python -m benchmarks.independent --write {args.write}"
    args.write.write_text(page(some, args.n, command, minutes))


def page(some: Seen, n: int, command: str, minutes: float) -> str:
    """The whole page."""
    found = powers(some)
    before = some.deviations > evidence(ABOVE)
    now = before & (found[COPY] >= ENOUGH)
    parts = [
        "# Who is called independent",
        f"*Independent* takes p > {ABOVE:g}, and that at least {ENOUGH:.0%} of copies would have"
        " been found ([statistics](../docs/statistics.md)): a copy's score over the references'"
        " mean hardly depends on the references, so the zoos' copies tell how many would lie below"
        f" an audit's line. {n} `jpeg25` probes, score `{SCORE}`; each zoo is judged by the others,"
        " victims that began from a checkpoint by others that did. References of the designs"
        f" {', '.join(f'*{d.name}* ({d.about})' for d in DESIGNS if d.name in SHOWN)}. Suspects"
        " that the population check stops, which are called nothing, are left out.",
        "## Shares called independent",
        by_group(some, before, now),
        "## Whether the stated power holds",
        "Mean power that an audit would state / share that was below its line.",
        stated(some, found),
        f"`{command}`; birthmark {__version__}, {platform.machine()}, {minutes:.0f} minutes; seed"
        f" {Setting().seed}.",
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
