"""The power that `birthmark plan` knows of: thieves called derived, by references and probes.

python -m benchmarks.power
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from benchmarks.suspects import ADAPTIVE
from joblib import Parallel, delayed

from birthmark.bench.accused import PROBES, SCORE, Setting, Verdict, verdicts
from birthmark.bench.designs import Design, lineages_of
from birthmark.bench.population import VICTIM, Population
from birthmark.calibration.sample_size import FORMAT, RATES
from birthmark.common.files import whole_file
from birthmark.zoo.answers import read_answers

ROOT = Path(__file__).parents[1]
PACKAGED = ROOT / "src" / "birthmark" / "calibration" / "power.json"
DESIGNS = ((2, 2), (3, 2), (4, 2), (4, 4), (6, 2), (8, 2), (8, 4))
SIZES = (20, 50, 100, 200)
DRAWS = 2
LEAST = 2
"""Fewer thieves of an attack make no rate."""

opened = cache(read_answers)
"""A file is unpacked once a process."""
Cells = dict[str, list[dict[str, Any]]]


def measured(file: Path, n: int, labels: bool) -> Cells:
    """By attack: references, lineages, probes, and the share derived at each rate."""
    recorded = opened(file)
    have = len(lineages_of(Population.of(recorded)))
    designs = tuple(Design.of(*one) for one in DESIGNS if one[0] <= have)
    setting = Setting(
        n=n,
        designs=designs,
        labels=labels,
        innocents=False,
        controls=False,
        probe_draws=DRAWS,
        reference_draws=DRAWS,
    )
    by: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for one in verdicts(recorded, setting=setting):
        if one.group not in ADAPTIVE:
            by[one.group, one.design].append(one)
    found: Cells = defaultdict(list)
    for (group, design), some in by.items():
        many, each = (int(part) for part in design.split(" x "))
        thieves = {one.model for one in some}
        if {one.references for one in some} != {many * each} or len(thieves) < LEAST:
            continue
        shares = [round(float(np.mean([called(one, rate) for one in some])), 3) for rate in RATES]
        found[group].append(
            {
                "kind": some[0].kind,
                "thieves": len(thieves),
                "row": [many, each, n, *shares],
            }
        )
    return found


def called(one: Verdict, rate: float) -> bool:
    """Whether it is derived at a rate, but for the controls, which hardly stop a thief."""
    return one.p_value <= rate and one.rank <= 1 / one.references and not one.strange


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=Path, default=ROOT / "benchmarks" / "answers")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", type=Path, default=PACKAGED)
    args = parser.parse_args()
    jobs = []
    for file in sorted(args.answers.glob("*.answers")):
        classes = opened(file).manifest.plan.task == "classes"
        for labels in (False, True) if classes else (False,):
            jobs += [(file, n, labels) for n in SIZES]
    done = Parallel(n_jobs=args.workers)(delayed(measured)(*job) for job in jobs)
    zoos: dict[str, Any] = {}
    for (file, _, labels), cells in zip(jobs, done, strict=True):
        start = opened(file).record(VICTIM).start
        zoo = zoos.setdefault(file.stem, {"start": "checkpoint" if start else "random"})
        attacks = zoo.setdefault("labels" if labels else "all", {})
        for attack, rows in cells.items():
            who = {"kind": rows[0]["kind"], "thieves": rows[0]["thieves"], "rows": []}
            attacks.setdefault(attack, who)["rows"] += [row["row"] for row in rows]
    whole = {"format": FORMAT, "method": f"{SCORE}@{PROBES}", "rates": RATES, "zoos": zoos}
    with whole_file(args.write) as passing:
        passing.write_text(_lines(whole) + "\n")


def _lines(value: Any, indent: str = "") -> str:
    """JSON, attacks on one line each."""
    if not isinstance(value, dict) or "rows" in value or not value:
        return json.dumps(value)
    inner = indent + " "
    fields = (f"{inner}{json.dumps(key)}: {_lines(of, inner)}" for key, of in value.items())
    return "{\n" + ",\n".join(fields) + f"\n{indent}}}"


if __name__ == "__main__":
    main()
