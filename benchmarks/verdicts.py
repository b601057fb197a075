"""Who is accused, and when: innocents by kind and thieves by attack, zoo by zoo.

python -m benchmarks.verdicts --write benchmarks/verdicts.md
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from joblib import Parallel, delayed

from birthmark import __version__
from birthmark.bench.accused import Setting, Verdict, verdicts
from birthmark.bench.designs import DESIGNS
from birthmark.bench.markdown import grid
from birthmark.bench.population import VICTIM, other_victims
from birthmark.calibration import interval
from birthmark.zoo.answers import read_answers

CHOSEN_ON = ("objects", "emotion")
RATES = (0.05, 0.01, 0.001)
WATERMARKED = "entangled/0"


class Measured(NamedTuple):
    """All verdicts around one victim of a zoo."""

    zoo: str
    victim: str
    verdicts: list[Verdict]

    @property
    def title(self) -> str:
        """The zoo, and its victim if it has several."""
        return self.zoo if self.victim == VICTIM else f"{self.zoo}, {self.victim.split('/')[0]}"


def measured(file: Path, victim: str, n: int) -> Measured:
    """Judge everybody around one victim."""
    return Measured(file.stem, victim, list(verdicts(read_answers(file), victim, Setting(n=n))))


def share(some: Sequence[Verdict], says: Callable[[Verdict], bool]) -> str:
    """A mean over draws and models, with a 95% Clopper-Pearson interval over the models."""
    if not some:
        return "-"
    models = len({one.model for one in some})
    value = float(np.mean([says(one) for one in some]))
    low, high = interval(value * models, models)
    return f"{value:.3f} ({low:.2f} to {high:.2f})" if value else f"0 (to {high:.2f})"


def plain(some: Sequence[Verdict], says: Callable[[Verdict], bool]) -> str:
    """A mean alone."""
    return f"{np.mean([says(one) for one in some]):.2f}" if some else "-"


def derived(one: Verdict) -> bool:
    """Called derived."""
    return one.derived


def by_design(some: Sequence[Measured], *, thieves: bool, cell: Callable[..., str] = share) -> str:
    """A row a zoo and group, a column a design."""
    rows = []
    for one in some:
        judged = [v for v in one.verdicts if v.thief == thieves]
        for group in dict.fromkeys(v.group for v in judged):
            of = [v for v in judged if v.group == group]
            cells = [cell([v for v in of if v.design == d.name], derived) for d in DESIGNS]
            rows.append([one.title, group, str(len({v.model for v in of})), *cells])
    return grid(("zoo", "group", "models", *(d.name for d in DESIGNS)), rows)


def summed(some: Sequence[Measured]) -> str:
    """Innocents of all zoos together: how often each rate is kept, and what the parts do."""
    innocents = [
        v._replace(model=f"{one.title} {v.model}")
        for one in some
        for v in one.verdicts
        if not v.thief
    ]
    rows = []
    for design in DESIGNS:
        of = [v for v in innocents if v.design == design.name]
        if not of:
            continue
        references = f"{np.mean([v.references for v in of]):.0f}"
        ranked = [v for v in of if v.references >= 1 / RATES[0] - 1]
        rows.append(
            [
                design.name,
                references,
                str(len({v.model for v in of})),
                *(share(of, lambda v, rate=rate: v.p_value <= rate) for rate in RATES),
                share(of, lambda v: v.strange),
                share(of, derived),
                share(ranked, lambda v: v.rank <= RATES[0]),
            ]
        )
    heads = (
        "references",
        "how many, mean",
        "innocents",
        *(f"p <= {rate:g}" for rate in RATES),
        "stopped by the check",
        "called derived at 1%",
        "rank <= 0.05",
    )
    return grid(heads, rows)


def worst(some: Sequence[Measured]) -> str:
    """The kinds of innocents that are accused, or whose p is small, most often."""
    found = []
    for one in some:
        for group in dict.fromkeys(v.group for v in one.verdicts if not v.thief):
            for design in DESIGNS:
                of = [v for v in one.verdicts if (v.group, v.design) == (group, design.name)]
                if of:
                    found.append((one.title, group, design.name, of))

    def weight(entry: tuple[str, str, str, list[Verdict]]) -> tuple[float, float]:
        of = entry[3]
        return float(np.mean([v.derived for v in of])), float(
            np.mean([v.p_value < 0.01 for v in of])
        )

    found.sort(key=weight, reverse=True)
    rows = [
        [
            title,
            group,
            design,
            str(len({v.model for v in of})),
            share(of, derived),
            plain(of, lambda v: v.p_value <= 0.01),
            plain(of, lambda v: v.strange),
            plain(of, lambda v: v.controlled),
        ]
        for title, group, design, of in found
        if weight((title, group, design, of)) > (0, 0)
    ]
    heads = (
        "zoo",
        "innocents",
        "references",
        "models",
        "called derived",
        "p <= 0.01",
        "stopped by the check",
        "by the controls",
    )
    return grid(heads, rows[:25]) if rows else "Nobody."


def page(some: Sequence[Measured], n: int, command: str, minutes: float) -> str:
    """The whole page."""
    lines: Iterable[str] = (f"- *{d.name}*: {d.about}." for d in DESIGNS)
    return (
        "\n\n".join(
            [
                "# Who is accused, and when",
                f"Every innocent and every thief of every population is judged as `birthmark audit`"
                f" does: closer than every reference, p <= 1% for an innocent of an unseen lineage and"
                f" of the victim's own, the population check and the controls ([statistics]"
                f"(../docs/statistics.md)). {n} `jpeg25` probes drawn {Setting().probe_draws} times,"
                f" references of each design drawn {Setting().reference_draws} times, score"
                f" `partial0.03`. Thieves are those that are as accurate as honest training makes a"
                " model. Intervals are 95%, Clopper-Pearson, over models. Settings of the rule were"
                f" chosen on {' and '.join(f'`{name}`' for name in CHOSEN_ON)}; the others are judged.",
                "How references are drawn:",
                "\n".join(lines),
                "## Who is accused most",
                worst(some),
                "## Innocents of all populations together",
                "By the rule before, a rank of at most 5%, the last column; only where there are 19"
                " references or more.",
                summed(some),
                "## Innocents called derived, by kind",
                by_design(some, thieves=False),
                "## Thieves called derived, by attack",
                by_design(some, thieves=True, cell=plain),
                f"`{command}`; birthmark {__version__}, {platform.machine()}, {minutes:.0f} minutes;"
                f" seed {Setting().seed}.",
            ]
        )
        + "\n"
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", type=Path, default=Path("benchmarks/answers"))
    parser.add_argument("--zoo", action="append", help="only these; all if none")
    parser.add_argument("-n", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    began = time.monotonic()
    files = [
        f for f in sorted(args.answers.glob("*.answers")) if not args.zoo or f.stem in args.zoo
    ]
    jobs = [
        (file, victim)
        for file in files
        for victim in (VICTIM, *(v for v in other_victims(read_answers(file)) if v != WATERMARKED))
    ]
    some = Parallel(n_jobs=args.workers)(delayed(measured)(*job, args.n) for job in jobs)
    command = f"python -m benchmarks.verdicts --write {args.write}"
    args.write.write_text(page(some, args.n, command, (time.monotonic() - began) / 60))


if __name__ == "__main__":
    main()
