"""Likelihood ratios: fitted on the zoos, judged on each by the others.

python -m benchmarks.strength --write benchmarks/strength.md
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from benchmarks.suspects import Seen, together
from matplotlib.figure import Figure

from birthmark import __version__
from birthmark.bench.accused import COPY, EXTRACTION, INNOCENT, SCORE, Setting
from birthmark.bench.designs import DESIGNS
from birthmark.bench.likelihood import Flags, Numbers, bounds, cost, least_cost, logistic, pooled
from birthmark.bench.markdown import grid
from birthmark.calibration import strength
from birthmark.calibration.strength import FORMAT, Fitted, Thieves, written

ROOT = Path(__file__).parents[1]
PACKAGED = ROOT / "src" / "birthmark" / "calibration" / "strength.json"
FITTED_ON = ("fitting", "five", "lineage left out")
"""Designs of references; the others are judged by what these give."""
KINDS = (COPY, EXTRACTION)
RED, BLUE = "#b3261e", "#2a5db0"


def thieves(some: Seen, kind: str) -> Thieves:
    """One kind's ratio, fitted on these suspects and bounded by what they support."""
    both = some.where(np.isin(some.kinds, (kind, INNOCENT)) & np.isin(some.designs, FITTED_ON))
    data = (both.derived, both.weights, both.counts)
    intercept, slope = logistic(both.deviations, *data)
    low, high = bounds(intercept + slope * both.deviations, *data)
    stolen = both.where(both.derived)
    return Thieves(
        intercept=round(intercept, 3),
        slope=round(slope, 3),
        low=round(low, 4),
        high=round(high, 1),
        count=both.counts[0],
        nearness={
            str(name): np.quantile(
                stolen.nearness[stolen.populations == name], np.linspace(0, 1, 21)
            )
            .round(4)
            .tolist()
            for name in sorted(set(stolen.populations))
        },
    )


def fit(some: Seen) -> Fitted:
    """What the package would hold, were these all suspects known.

    Innocents that learnt from the victim's own images, which an audit assumes away, are left out.
    """
    some = some.where(~some.shared)
    return Fitted(
        format=FORMAT,
        method=SCORE,
        populations={
            str(name): "checkpoint" if some.begun[some.populations == name][0] else "random"
            for name in sorted(set(some.populations))
        },
        innocents=some.counts[1],
        copied=thieves(some, COPY),
        extracted=thieves(some, EXTRACTION),
    )


def logs(found: Fitted, deviations: Numbers) -> dict[str, Numbers]:
    """Natural logarithms of the ratios, by kind and for a suspect of unknown kind."""
    copied, extracted = (
        np.array([of.ratio(float(x)) for x in deviations]) for of in (found.copied, found.extracted)
    )
    return {
        COPY: np.log(copied),
        EXTRACTION: np.log(extracted),
        "either": np.log((copied + extracted) / 2),
    }


@dataclass(frozen=True)
class Judged:
    """Every suspect's ratio by the populations that it is not of."""

    suspects: Seen
    logs: dict[str, Numbers]

    def of(self, kind: str, some: Flags | None = None) -> tuple[Seen, Numbers]:
        """Suspects that a kind's ratio is for, and these."""
        chosen = ~self.suspects.shared if some is None else some & ~self.suspects.shared
        if kind in KINDS:
            chosen = chosen & np.isin(self.suspects.kinds, (kind, INNOCENT))
        return self.suspects.where(chosen), self.logs[kind][chosen]


def left_out(some: Seen) -> Judged:
    """Judge each population by the others; victims of one zoo are left out together."""
    zoos = some.zoos
    found = {kind: np.zeros(len(zoos)) for kind in (*KINDS, "either")}
    for zoo in sorted(set(zoos)):
        by = fit(some.where(zoos != zoo))
        for kind, values in logs(by, some.deviations[zoos == zoo]).items():
            found[kind][zoos == zoo] = values
    return Judged(some, found)


def costs(judged: Judged, kind: str, some: Flags) -> list[str]:
    """Cllr, the least that there could be, and how often a ratio misleads."""
    suspects, ratios = judged.of(kind, some)
    derived, weights = suspects.derived, suspects.weights
    if derived.all() or not derived.any():
        return ["-"] * 6

    def share(of: Flags, among: Flags) -> str:
        return f"{np.average(of[among], weights=weights[among]):.3f}"

    return [
        " + ".join(str(count) for count in suspects.counts),
        f"{cost(ratios, derived, weights):.3f}",
        f"{least_cost(-suspects.deviations, derived, weights):.3f}",
        share(ratios > 0, ~derived),
        share(ratios > np.log(10), ~derived),
        share(ratios < 0, derived),
    ]


HEADS = ("stolen + independent", "Cllr", "its minimum", "independent, > 1", "> 10", "stolen, < 1")


def by_population(judged: Judged) -> str:
    """A row each kind and population, of the designs that are fitted on."""
    usual = np.isin(judged.suspects.designs, FITTED_ON)
    rows = []
    for kind in (*KINDS, "either"):
        rows.append([f"**{kind}**", "all", *costs(judged, kind, usual)])
        for name in sorted(set(judged.suspects.populations)):
            some = usual & (judged.suspects.populations == name)
            rows.append([kind, name, *costs(judged, kind, some)])
    return grid(("ratio for", "population left out", *HEADS), rows)


def by_design(judged: Judged) -> str:
    """A row each design of references."""
    rows = [[d.name, *costs(judged, "either", judged.suspects.designs == d.name)] for d in DESIGNS]
    return grid(("references", *HEADS), rows)


def by_group(judged: Judged) -> str:
    """Ratios of every kind of suspect."""
    usual = np.isin(judged.suspects.designs, FITTED_ON)
    rows = []
    for group in sorted(set(judged.suspects.groups), key=lambda g: _order(judged.suspects, g)):
        some = usual & (judged.suspects.groups == group)
        if some.any():
            suspects, ratios = judged.suspects.where(some), judged.logs["either"][some]
            low, middle, high = np.exp(np.quantile(ratios, (0.05, 0.5, 0.95)))
            count = sum(suspects.counts)
            rows.append(
                [
                    str(suspects.kinds[0]),
                    group,
                    str(count),
                    f"{low:.2g}",
                    f"{middle:.2g}",
                    f"{high:.2g}",
                ]
            )
    return grid(("kind", "suspects", "models", "ratio, 5th percentile", "median", "95th"), rows)


def _order(suspects: Seen, group: str) -> tuple[bool, bool, str]:
    kind = suspects.kinds[suspects.groups == group][0]
    return kind != INNOCENT, kind == EXTRACTION, group


def numbers(found: Fitted) -> str:
    """The few numbers that the package holds."""
    rows = [
        [
            name,
            f"{one.intercept:g}",
            f"{one.slope:g}",
            f"{one.low:.2g}",
            f"{one.high:.0f}",
            str(one.count),
        ]
        for name, one in ((COPY, found.copied), (EXTRACTION, found.extracted))
    ]
    return grid(("ratio for", "intercept", "slope", "lowest", "highest", "thieves"), rows)


def draw(judged: Judged, file: Path) -> None:
    """Tippett plots above, PAV plots below, a column each kind."""
    usual = np.isin(judged.suspects.designs, FITTED_ON)
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    axes = figure.subplots(2, 3)
    for above, below, kind in zip(*axes, (*KINDS, "either"), strict=True):
        suspects, ratios = judged.of(kind, usual)
        derived, weights = suspects.derived, suspects.weights
        for side, colour, name in (
            (derived, "#b3261e", "stolen"),
            (~derived, "#2a5db0", "independent"),
        ):
            order = np.argsort(ratios[side])
            above.step(
                ratios[side][order] / np.log(10),
                1 - np.cumsum(weights[side][order]) / weights[side].sum(),
                color=colour,
                label=name,
            )
        above.set_title(f"{kind}: share with a larger ratio (Tippett)", fontsize=9)
        above.axvline(0, color="grey", linewidth=0.6)
        above.legend(fontsize=8)
        best = np.clip(pooled(-suspects.deviations, derived, weights) / np.log(10), -2.6, 2.6)
        for side, colour in ((derived, RED), (~derived, BLUE)):
            below.plot(ratios[side] / np.log(10), best[side], ".", color=colour, markersize=3)
        below.axline((0, 0), slope=1, color="grey", linewidth=0.6)
        below.set_title("ratio that fits best, by ratio given (PAV)", fontsize=9)
        below.set_xlabel("logarithm to base 10 of the ratio")
    figure.savefig(file, dpi=110, metadata={"Software": None})


def page(judged: Judged, found: Fitted, n: int, command: str, minutes: float) -> str:
    """The whole page."""
    names = ", ".join(f"`{name}`" for name in found.populations)
    last = strength(0.01)
    parts = [
        "# Strength of the evidence",
        "How much more probable a suspect's distance is if it is derived than if it is"
        " independent, as `birthmark audit` tells it beside p"
        " ([statistics](../docs/statistics.md)). The evidence is the decisive p-value as standard"
        " deviations of the normal distribution; the ratio's logarithm is a line in it, by"
        f" logistic regression, bounded by ELUB. {n} `jpeg25` probes, score `{SCORE}`, populations"
        f" {names}; thieves as accurate as honest models. Those stopped by the population check are"
        " left out, disguised ones not counted again. Fitted on references of the designs"
        f" {', '.join(f'*{name}*' for name in FITTED_ON)} ([what they are](verdicts.md)). Every"
        " population weighs alike. Innocents that learnt from the victim's own images, which an"
        " audit assumes away, count in the last table alone.",
        "## The numbers in the package",
        f"Fitted on all {found.innocents} independent models and the thieves together. At p = .01:"
        f" {last.words}, {last.ratio:.0f}; for a copy {last.if_copied:.0f}, for a model that learnt"
        f" from answers {last.if_extracted:.0f}. A suspect of unknown kind gets the mean of both."
        " Bounds grow with the number of independent models, not with probes or references.",
        numbers(found),
        "## Each population judged by the others",
        "Cllr is 0 for ratios that are always right and sure, 1 for ratios that say nothing. Its"
        " minimum is what the best monotonic function of the same evidence would reach. The last"
        " columns are shares of ratios that mislead.",
        by_population(judged),
        "![Tippett and PAV plots.](strength.png)",
        "## By what references there are",
        "All populations, each judged by the others, for a suspect of either kind.",
        by_design(judged),
        "## By kind of suspect",
        by_group(judged),
        f"`{command}`; birthmark {__version__}, {platform.machine()}, {minutes:.0f} minutes; seed"
        f" {Setting().seed}.",
    ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", type=Path, default=Path("benchmarks/answers"))
    parser.add_argument("-n", type=int, default=100)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    began = time.monotonic()
    some = together(sorted(args.answers.glob("*.answers")), args.n)
    found = fit(some)
    PACKAGED.write_text(written(found), "utf-8")
    judged = left_out(some)
    draw(judged, args.write.with_suffix(".png"))
    command = f"python -m benchmarks.strength --write {args.write}"
    minutes = (time.monotonic() - began) / 60
    args.write.write_text(page(judged, found, args.n, command, minutes))


if __name__ == "__main__":
    main()
