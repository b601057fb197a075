"""How long it takes to make each method's probes, as a ratio to SAC-JC's, in one run.

python benchmarks/making.py --zoo ZOO --write benchmarks/detection/making.md
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from birthmark.common.errors import BirthmarkError
from birthmark.probes import PROBES
from birthmark.scores.methods import OURS, PUBLISHED
from birthmark.zoo.answers.pool import Ingredients, ingredients
from birthmark.zoo.plan import open_zoo

BASE = "jpeg25"
N, REPEATS = 100, 3


def seconds(name: str, n: int, parts: Ingredients) -> float:
    """Time of one making."""
    began = time.perf_counter()
    PROBES.make(name).select(parts.images, parts.victim, n, parts.draw, companions=parts.companions)
    return time.perf_counter() - began


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zoo", type=Path, required=True)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    plan = open_zoo(args.zoo)
    parts = ingredients(plan, args.zoo)
    methods = {"birthmark": OURS, **PUBLISHED}
    lines, failed = [], []
    for alias, full in methods.items():
        name = full.partition("@")[2]
        block = getattr(PROBES.make(name), "block", 1)
        n = N // block * block
        try:
            seconds(name, n, parts)
            times = [(seconds(name, n, parts), seconds(BASE, N, parts)) for _ in range(REPEATS)]
        except BirthmarkError as error:
            failed.append(f"- `{name}`: {error}")
            continue
        ratios = sorted(own / base for own, base in times)
        middle = statistics.median(own for own, _ in times)
        lines.append(
            f"| {alias} | `{name}` | {n} | {statistics.median(ratios):.3g}"
            f" ({ratios[0]:.3g} to {ratios[-1]:.3g}) | {middle:.2f} |"
        )
    text = [
        "# Time to make a fingerprint's probes",
        "",
        f"On the zoo `{plan.name}` (victim {plan.images.size} px), one thread of"
        f" {platform.system()} {platform.machine()}, torch {torch.__version__}. Ratio to"
        f" `{BASE}`, taken in turns in one run, median of {REPEATS} (least to most), after one"
        " warming run; seconds depend on the machine. What else a fingerprint takes, answers of"
        " victim and references, is the same for all. Written by"
        " `python benchmarks/making.py --zoo ZOO --write benchmarks/detection/making.md`.",
        "",
        "| method | probes | n | ratio to `jpeg25` | s |",
        "|---|---|---:|---:|---:|",
        *lines,
        "",
        *failed,
    ]
    args.write.write_text("\n".join(text).rstrip() + "\n")


if __name__ == "__main__":
    main()
