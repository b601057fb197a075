"""Who is called derived: innocents and thieves, by the unseen-lineage rule, zoo by zoo.

python -m benchmarks.rule --write benchmarks/rule.md
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from benchmarks.designs import DESIGNS, DRAWS, Design, drawn
from numpy.typing import NDArray

from birthmark import __version__
from birthmark.bench.draws import draws
from birthmark.bench.markdown import grid
from birthmark.bench.population import Population
from birthmark.calibration import called as is_called
from birthmark.calibration import interval
from birthmark.data.forms import form_of
from birthmark.data.outputs import Outputs
from birthmark.enrolment.population import of_suspect
from birthmark.scores import SCORES
from birthmark.zoo.answers import Recorded, read_answers

ZOOS = ("objects", "emotion", "faces", "objects-large")
JUDGED = ("faces", "objects-large")
PROBES, SCORE = "jpeg25", "partial0.03"
N, ALPHA = 100, 0.01
PROBE_DRAWS = 3
INNOCENT, LEFT_OUT = "independent", "independent, its lineage left out"


def called(
    recorded: Recorded, places: NDArray[np.int64]
) -> Iterator[tuple[str, str, Design, bool]]:
    """Group, model, design and whether it is called derived, for every draw."""
    population = Population.of(recorded)
    lineages, score = population.lineages, SCORES.make(SCORE)

    def told(name: str) -> Outputs:
        return recorded.outputs(name, PROBES).at(list(places))

    references = {name: told(name) for name in population.references}
    victim = told(population.victim)
    groups = {INNOCENT: population.independents}
    for attack in population.attacks:
        kept = [m for m, keeps in zip(attack.thieves, attack.kept, strict=True) if keeps]
        if kept and not attack.new_head:
            groups[attack.name] = kept
    names = list(references)
    some = drawn(names, lineages)
    for group, models in groups.items():
        for name in models:
            said = told(name)
            form = form_of(said)
            brought = [form.of(one.to(said.kind)) for one in references.values()]
            frame, suspect = form.of(victim.to(said.kind)), form.of(said)
            numbers = score.pools(frame, [suspect, *brought])
            for design, chosen in some:
                own, *others = numbers([0, *(1 + i for i in chosen)])
                of = [lineages[names[i]] for i in chosen]
                fit = of_suspect(score, frame, suspect, [brought[i] for i in chosen], of)
                derived = is_called(own, others, of, lineages[population.victim], ALPHA) and (
                    fit is None or fit.fits
                )
                yield group, name, design, derived
                if group == INNOCENT and lineages[name] not in of:
                    yield LEFT_OUT, name, design, derived


def table(name: str) -> str:
    """A row a group: share called derived, over models and draws."""
    recorded = read_answers(Path(f"benchmarks/answers/{name}.answers"))
    shares: dict[str, dict[Design, list[bool]]] = defaultdict(lambda: defaultdict(list))
    models: dict[str, set[str]] = defaultdict(set)
    for places in draws(400, N, 1, PROBE_DRAWS, 0):
        for group, model, design, derived in called(recorded, places):
            shares[group][design].append(derived)
            models[group].add(model)
    first = [one for one in (INNOCENT, LEFT_OUT) if one in shares]
    rows = [
        [
            group,
            str(len(models[group])),
            *(_told(group, of[d], len(models[group])) for d in DESIGNS),
        ]
        for group in [*first, *sorted(shares.keys() - set(first))]
        if (of := shares[group])
    ]
    mark = " (judged: nothing was chosen on it)" if name in JUDGED else ""
    headings = ("models", "n", *(f"{k} x {m}" for k, m in DESIGNS))
    return f"## {name}{mark}\n\n{grid(headings, rows)}"


def _told(group: str, called: list[bool], models: int) -> str:
    if not called:
        return "-"
    share = float(np.mean(called))
    if group not in (INNOCENT, LEFT_OUT):
        return f"{share:.2f}"
    low, high = interval(round(share * models), models)
    return f"{share:.3f} ({low:.2f} to {high:.2f})"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", type=Path, required=True)
    out = parser.parse_args().write
    began = time.monotonic()
    parts = [table(name) for name in ZOOS]
    minutes = (time.monotonic() - began) / 60
    out.write_text(
        "# Who is called derived\n\n"
        f"Share of models that are closer than every reference, with p <= {ALPHA:g} for an innocent"
        " of an unseen lineage and of the victim's own, and pass the population check"
        " ([statistics](../docs/statistics.md));"
        f" {N} `{PROBES}` probes drawn {PROBE_DRAWS} times, score `{SCORE}`. Columns are"
        f" references: lineages x models of each, the victim's among them, {DRAWS} draws"
        f" ({DESIGNS[0][0]} x"
        f" {DESIGNS[0][1]}: all 40)."
        " Thieves are those that are as accurate as honest models. Innocents: 95% intervals"
        " (Clopper-Pearson) over models. All are small networks trained from scratch by four"
        " lineages; [published networks](real_models.md) stand apart.\n\n"
        + "\n\n".join(parts)
        + f"\n\n`python -m benchmarks.rule --write {out}`; birthmark {__version__},"
        f" {platform.machine()}, {minutes:.1f} minutes; seed 0.\n"
    )


if __name__ == "__main__":
    main()
