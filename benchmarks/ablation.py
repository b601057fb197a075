"""Which part of a method does what: probes by score, on the recorded answers of every zoo.

python benchmarks/ablation.py --write benchmarks/detection/ablation.md
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from birthmark.bench.markdown import grid
from birthmark.bench.methods import PROBES_GRID, SCORES_GRID
from birthmark.bench.run import bench
from birthmark.bench.summary import by_attack, overall, worst
from birthmark.bench.table import Row, Setting
from birthmark.zoo.answers import read_answers

N = 100
RIDGES = ("0.003", "0.01", "0.03", "0.1", "0.3", "1")
CORRELATIONS = {
    "cosine": "sac-cosine-l1",
    "half cosine": "sac-halfcosine-l1",
    "RBF": "sac-rbf-l1",
    "labels": "sac-labels-l1",
    "labels, smoothed by 10%": "sac-labels-smooth10-l1",
    "labels, smoothed by 50%": "sac-labels-smooth50-l1",
    "Pearson": "sac-cosine-pearson",
    "Spearman": "sac-cosine-spearman",
    "whitened": "sac-cosine-whitened",
}


def cell(rows: Sequence[Row]) -> str:
    """Detection over all attacks that keep accuracy (in the worst) of one method."""
    attacks = by_attack(rows)
    return f"{overall(rows, attacks):.2f} ({worst(rows, attacks):.2f})" if rows else "-"


def one(
    title: str, answers: Path, scores: Sequence[str], probes: Sequence[str], setting: Setting
) -> str:
    """A grid of one zoo."""
    methods = {f"{s}@{p}": f"{s}@{p}" for s in scores for p in probes}
    table = bench(answers, methods, setting, workers=2, labels=False)
    of = {name: [row for row in table.rows if row.method == name] for name in methods}
    lines = [[f"`{s}`", *(cell(of[f"{s}@{p}"]) for p in probes)] for s in scores]
    return f"### {title}\n\n{grid(['', *probes], lines)}"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, required=True)
    parser.add_argument("--answers", type=Path, default=Path("benchmarks/answers"))
    args = parser.parse_args()
    began = time.perf_counter()
    zoos = {file.stem: file for file in sorted(args.answers.glob("*.answers"))}
    setting = Setting(sizes=(N,), draws=3)
    recorded = {name: read_answers(file).manifest for name, file in zoos.items()}

    def probes_of(name: str) -> list[str]:
        known = [asked.method for asked in recorded[name].asked if len(asked.labels) >= N]
        return [p for p in PROBES_GRID if p in known]

    def sections(
        scores: Sequence[str], probes: Callable[[str], Sequence[str]], with_faces: bool = True
    ) -> list[str]:
        return [
            one(name, file, scores, probes(name), setting)
            for name, file in zoos.items()
            if with_faces or recorded[name].plan.task == "classes"
        ]

    parts = [
        "# Ablation",
        "Thieves detected at 5% with 100 probes: mean over all attacks, and in brackets in the"
        " worst of them, among thieves that keep accuracy; an attack that a score does not apply to"
        " counts as missed. Mean of 3 draws, seed 0. Models, attacks and intervals: the zoos'"
        " pages. Written by"
        " `python benchmarks/ablation.py --write benchmarks/detection/ablation.md`.",
        "## Probes by score",
        *sections(SCORES_GRID, probes_of),
        "## Correlation function, on jpeg25",
        *sections(list(CORRELATIONS.values()), lambda _: ["jpeg25"]),
        "## Choosing peculiar probes among 300, by score",
        *sections(
            ["partial0.03", "partial-pairs0.03", "sac-cosine-l1", "pointwise-cosine", "agreement"],
            lambda _: ["jpeg25", "peculiar300-jpeg25"],
        ),
        "## The ridge of the partial score, on jpeg25",
        *sections([f"partial{ridge}" for ridge in RIDGES], lambda _: ["jpeg25"]),
    ]
    parts.append(f"Computed in {time.perf_counter() - began:.0f} s by two processes.")
    args.write.parent.mkdir(parents=True, exist_ok=True)
    args.write.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
