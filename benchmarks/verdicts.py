"""How often verdicts are right: innocents accused, thieves found and cleared, zoo by zoo.

python benchmarks/verdicts.py --write benchmarks/verdicts.md
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from birthmark import __version__
from birthmark.bench.draws import taken
from birthmark.bench.judge import Asked, Judge
from birthmark.bench.markdown import grid
from birthmark.bench.population import Attack
from birthmark.bench.table import Setting
from birthmark.calibration import (
    by_lineage,
    conformal_p,
    interval,
    possible,
    smallest_p,
    standardised,
)
from birthmark.calibration.lineages import LEAST
from birthmark.data.forms import form_of, largest, rounded
from birthmark.data.outputs import Kind, Outputs
from birthmark.scores.methods import method
from birthmark.zoo.answers import read_answers

METHODS = ("birthmark", "sac-jc")
ALPHA = 0.05
SIZES = (20, 100)
CLEARED = 0.5


class Call(NamedTuple):
    """What became of a suspect in one draw.

    Attributes
    ----------
    rank
        Whether p <= alpha, whatever the lineages say.
    verdict
        Whether it is called derived, its lineage not being known.
    known
        The same if its lineage is known.
    standardised
        Whether p <= alpha of numbers that are standardised within lineages.
    strictest
        Whether it is called derived at the smallest alpha that the references allow.
    cleared
        Whether p is above what `independent` takes.
    """

    rank: bool
    verdict: bool
    known: bool
    standardised: bool
    strictest: bool
    cleared: bool


class Suspect(NamedTuple):
    """A model and its calls: with all references, and without its lineage's."""

    name: str
    lineage: str
    within: list[Call]
    foreign: list[Call]


def called(numbers: Sequence[float], lineages: Sequence[str], own: str, of: str) -> Call:
    """Judge a suspect as an audit does, which also takes references of the victim's lineage."""
    score, *others = numbers
    p = conformal_p(score, others)
    enough = lineages.count(own) >= LEAST

    def derived(alpha: float, stated: str | None) -> bool:
        asked = possible(by_lineage(score, others, lineages, alpha), stated)
        return p <= alpha and enough and all(one.close_enough for one in asked)

    alike, *rest = standardised(numbers, [of, *lineages])
    return Call(
        rank=p <= ALPHA,
        verdict=derived(ALPHA, None),
        known=derived(ALPHA, of),
        standardised=conformal_p(alike, rest) <= ALPHA,
        strictest=derived(smallest_p(len(others)), None),
        cleared=p > CLEARED,
    )


def judged(asked: Sequence[Asked], attack: Attack, names: Sequence[str]) -> Iterator[Suspect]:
    """All suspects of a group in all draws."""
    population = asked[0].judge.population
    lineage = population.lineages
    own = lineage[population.victim]
    everyone = population.references_of(attack)
    for name in names:
        others = [one for one in everyone if lineage[one] != lineage[name]]
        yield Suspect(
            name,
            lineage[name],
            *(
                [
                    called(
                        draw.numbers(attack, [name], some)[0],
                        [lineage[one] for one in some],
                        own,
                        lineage[name],
                    )
                    for draw in asked
                ]
                for some in (everyone, others)
            ),
        )


def rate(suspects: Sequence[Suspect], field: str, *, foreign: bool = False) -> str:
    """Share of suspects, a mean over draws, with a Clopper-Pearson interval over the models."""
    if not suspects:
        return "-"
    share = float(
        np.mean(
            [
                getattr(call, field)
                for s in suspects
                for call in (s.foreign if foreign else s.within)
            ]
        )
    )
    low, high = interval(share * len(suspects), len(suspects))
    return f"{share:.3f} ({low:.2f} to {high:.2f})"


def innocents_rows(name: str, suspects: Sequence[Suspect]) -> list[str]:
    """A row of the table of innocents."""
    return [
        name,
        str(len(suspects)),
        rate(suspects, "rank"),
        rate(suspects, "verdict"),
        rate(suspects, "known"),
        rate(suspects, "standardised"),
        rate(suspects, "strictest"),
        rate(suspects, "rank", foreign=True),
        rate(suspects, "verdict", foreign=True),
    ]


CUT: dict[str, Callable[[Outputs], Outputs]] = {
    "the largest probability": lambda o: largest(o, 1),
    "the 3 largest": lambda o: largest(o, 3),
    "the 3 largest, scaled to 1": lambda o: largest(o, 3, scaled=True),
    "1 digit": lambda o: rounded(o, 1),
    "2 digits": lambda o: rounded(o, 2),
    "sharpened: temperature 0.3": lambda o: heated(o, 0.3),
    "blurred: temperature 5": lambda o: heated(o, 5),
}
"""What innocents may tell of their probabilities."""


def heated(outputs: Outputs, temperature: float) -> Outputs:
    """Probabilities at another temperature."""
    values = np.maximum(outputs.values.astype(np.float64), 1e-12) ** (1 / temperature)
    values /= values.sum(axis=1, keepdims=True)
    return Outputs(values.astype(np.float32), outputs.kind, outputs.classes)


def cut(judge: Judge, n: int, draws: int) -> list[list[str]]:
    """Innocents that tell less than the references do: left so, and with all treated alike."""
    population = judge.population
    calls: dict[str, list[tuple[bool, bool]]] = {name: [] for name in CUT}
    for places in judge.drawn(n, Setting(sizes=(n,), draws=draws)):

        def said(name: str, places: NDArray[np.int64] = places) -> Outputs:
            return taken(judge.answers(name), places).to(Kind.PROBABILITIES)

        victim = said(population.victim)
        references = [said(name) for name in population.references]
        for name, done in CUT.items():
            for innocent in population.independents:
                told = done(said(innocent))
                form = form_of(told)
                pools = (
                    (victim, [told, *references]),
                    (form.of(victim), [form.of(one) for one in (told, *references)]),
                )
                left, alike = (judge.method.score(own, pool) for own, pool in pools)
                calls[name].append(
                    (
                        conformal_p(left[0], left[1:]) <= ALPHA,
                        conformal_p(alike[0], alike[1:]) <= ALPHA,
                    )
                )
    return [
        [name, *(f"{np.mean([call[i] for call in of]):.3f}" for i in (0, 1))]
        for name, of in calls.items()
    ]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=Path, default=Path("benchmarks/answers"))
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    began = time.perf_counter()
    files = sorted(args.answers.glob("*.answers"))
    parts = [
        "# Whether verdicts are right",
        "Written by `python benchmarks/verdicts.py --write benchmarks/verdicts.md`"
        f" (birthmark {__version__}, python {platform.python_version()}, numpy {np.__version__},"
        f" {platform.system()} {platform.machine()}); {args.draws} draws of probes, seed 0.",
        f"alpha = {ALPHA:g}, against 40 reference models of four lineages (30 of two to four"
        " for a new head). *Rank*: p <= alpha, no more. *Verdict*: what `birthmark audit` calls"
        " derived, the suspect's lineage not being known: also as close a rank in every lineage,"
        f" and at least {LEAST} references of the victim's. *Lineage known*: the same with the"
        " suspect's lineage stated. *Standardised*: the rank of numbers that are standardised"
        " within lineages, the suspect's being known. *Strictest*: the verdict at the smallest"
        " alpha that the references allow. *Left out*: without any reference of the suspect's own"
        " lineage. Intervals: Clopper-Pearson, 95%, over models; no innocent here is a reference."
        " Those with a new head are two of each of five parents, and all models of a zoo share its"
        " victim and its references, so intervals are narrower than they should be. All victims"
        " are of the lineage vgg.",
    ]
    head = ["innocents", "models", "rank", "verdict", "lineage known", "standardised", "strictest"]
    head += ["left out, rank", "left out, verdict"]
    for alias in METHODS:
        for n in SIZES:
            setting = Setting(sizes=(n,), draws=args.draws, alpha=ALPHA)
            of_zoos: list[Suspect] = []
            innocents, thieves = [], []
            shown = n == max(SIZES) and alias == METHODS[0]
            for file in files:
                judge = Judge(read_answers(file), method(alias), alias)
                asked = [Asked(judge, places) for places in judge.drawn(n, setting)]
                population = judge.population
                old = next(a for a in population.attacks if not a.new_head)
                new = next((a for a in population.attacks if a.new_head), None)
                of = list(judged(asked, old, population.independents))
                of_zoos += of
                innocents.append(innocents_rows(f"**{file.stem}**", of))
                innocents += [
                    innocents_rows(lineage, [one for one in of if one.lineage == lineage])
                    for lineage in sorted({one.lineage for one in of})
                ]
                if new is not None:
                    heads = list(judged(asked, new, population.new_independents))
                    of_zoos += heads
                    innocents.append(innocents_rows("new head", heads))
                if shown:
                    thieves += [thieves_row(file.stem, one, asked) for one in population.attacks]
            innocents.append(innocents_rows("**all zoos**", of_zoos))
            parts += [f"## `{alias}`, {n} probes: innocents accused", grid(head, innocents)]
            if shown:
                parts += [
                    f"## `{alias}`, {n} probes: thieves that keep accuracy",
                    f"*Cleared*: p > {CLEARED:g}, which is called independent if nothing forbids.",
                    grid(
                        [
                            "thieves",
                            "models",
                            "rank",
                            "verdict",
                            "lineage known",
                            "standardised",
                            "cleared",
                        ],
                        [row for row in thieves if row[1] != "0"],
                    ),
                ]
    parts += [
        f"## `{METHODS[0]}`, {max(SIZES)} probes: innocents that tell less",
        "Share of the 20 independent models with p <= alpha if they tell only this of their answers"
        " while the references tell all, and if victim and references are brought to the same"
        " form first, as an audit does where it sees the form. 2 draws.",
    ]
    for file in files:
        judge = Judge(read_answers(file), method(METHODS[0]), METHODS[0])
        if judge.recorded.manifest.plan.task == "classes":
            parts += [
                f"**{file.stem}**",
                grid(["told", "left so", "alike"], cut(judge, max(SIZES), 2)),
            ]
    parts.append(f"Computed in {time.perf_counter() - began:.0f} s by one process.")
    args.write.write_text("\n\n".join(parts) + "\n")


def thieves_row(zoo: str, attack: Attack, asked: Sequence[Asked]) -> list[str]:
    """A row of the table of thieves."""
    kept = [one for one, keeps in zip(attack.thieves, attack.kept, strict=True) if keeps]
    of = list(judged(asked, attack, kept))
    columns = [rate(of, field) for field in ("rank", "verdict", "known", "standardised", "cleared")]
    return [f"{zoo}: {attack.name}", str(len(of)), *columns]


if __name__ == "__main__":
    main()
