"""How many probes a sequential audit asks, on the recorded answers of every zoo.

python benchmarks/sequential.py --write benchmarks/sequential.md
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from birthmark.bench.judge import Asked, Judge
from birthmark.bench.markdown import grid
from birthmark.bench.population import Attack
from birthmark.bench.table import Setting
from birthmark.calibration import interval
from birthmark.calibration.sequential import LEAD, THRESHOLD, Sequential
from birthmark.probes.peculiar import Peculiar
from birthmark.scores.methods import method
from birthmark.zoo.answers import read_answers

METHOD = "partial0.03@peculiar300-jpeg25"
LOOKS = (10, 20, 30, 50, 70, 100)
FIRST = 20
FIXED = (20, 50, 100)
FIRSTS, LEADS, THRESHOLDS = (10, 20), (0.0, 1.0), (3.0, 4.0, 5.0, 6.0)
CHOSEN_ON = "objects"
EXTRACTIONS = ("extracted-probabilities", "extracted-embeddings", "extracted-labels")
NEVER = float("inf")

Numbers = list[list[float]]
"""A pool's numbers at each look, the suspect's first."""


@dataclass
class Group:
    """Suspects of one kind.

    Attributes
    ----------
    name
        What the table calls them.
    lineages
        Of the reference models.
    pools
        For each suspect and draw, its pool at every look.
    suspects
        How many.
    """

    name: str
    lineages: list[str]
    suspects: int
    pools: list[Numbers] = field(default_factory=list)


@dataclass(frozen=True)
class Rule:
    """How a suspect is judged: whether within lineages too, and when it may be called early."""

    alpha: float
    within: bool
    threshold: float = THRESHOLD
    lead: float = LEAD
    first: int = FIRST

    def test(self, lineages: Sequence[str]) -> Sequential:
        """A test against reference models of these lineages."""
        named = lineages if self.within else ()
        return Sequential(len(lineages), self.alpha, named, self.threshold, self.lead)

    def asked(self, group: Group) -> list[float]:
        """Probes until the call, for each suspect and draw; infinite without one."""
        return [self._asked(self.test(group.lineages), numbers) for numbers in group.pools]

    def _asked(self, test: Sequential, numbers: Numbers) -> float:
        for n, one in zip(LOOKS, numbers, strict=True):
            if n >= self.first and test.look(one, last=n == LOOKS[-1]):
                return n
        return NEVER

    def fixed(self, group: Group, n: int) -> float:
        """Share called if so many probes are asked of all."""
        at = LOOKS.index(n)
        calls = [self.test(group.lineages).look(one[at], last=True) for one in group.pools]
        return float(np.mean(calls))


def groups(answers: Path, setting: Setting) -> tuple[list[Group], list[Group]]:
    """Thieves that keep accuracy by attack, and innocents by what they are compared as."""
    chosen = method(METHOD)
    assert isinstance(chosen.probes, Peculiar)
    judge = Judge(read_answers(answers), chosen, "birthmark")
    population = judge.population
    thieves: dict[str, Group] = {}
    innocents: dict[str, Group] = {}

    def add(into: dict[str, Group], name: str, attack: Attack, some: Sequence[str]) -> None:
        references = population.new_references if attack.new_head else population.references
        lineages = [population.lineages[one] for one in references]
        group = into.setdefault(name, Group(name, lineages, len(some)))
        looks = [one.numbers(attack, some) for one in asked]
        group.pools += [list(numbers) for numbers in zip(*looks, strict=True)]

    for places in judge.peculiar(chosen.probes, setting):
        asked = [Asked(judge, places[:n]) for n in LOOKS]
        seen = set()
        for attack in population.attacks:
            kept = [one for one, keeps in zip(attack.thieves, attack.kept, strict=True) if keeps]
            if kept:
                add(thieves, attack.name, attack, kept)
            kind = asked[0].common(attack)
            honest = population.new_independents if attack.new_head else population.independents
            name = "with a new head" if attack.new_head else f"compared by {kind}"
            if name not in seen:
                seen.add(name)
                add(innocents, f"innocents {name}", attack, honest)
    return list(thieves.values()), list(innocents.values())


def middle(asked: Sequence[float]) -> str:
    """Median number of probes to the call."""
    median = float(np.median(asked))
    return f"{median:.0f}" if median < NEVER else f"> {LOOKS[-1]}"


def detected(asked: Sequence[float]) -> float:
    """Share called at any look."""
    return float(np.mean([one < NEVER for one in asked]))


def spent(asked: Sequence[float]) -> float:
    """Mean number of probes asked, all of them where there is no call."""
    return float(np.mean(np.minimum(asked, LOOKS[-1])))


def cells(group: Group, rule: Rule) -> list[str]:
    """Detection at fixed sizes and at any look, and median probes."""
    asked = rule.asked(group)
    fixed = [f"{rule.fixed(group, n):.2f}" for n in FIXED]
    return [*fixed, f"{detected(asked):.2f}", middle(asked), f"{spent(asked):.0f}"]


def table(thieves: Sequence[Group], innocents: Sequence[Group], rule: Rule) -> str:
    """All groups of a zoo by one rule."""
    head = [f"fixed n = {n}" for n in FIXED]
    lines = [[group.name, str(group.suspects), *cells(group, rule)] for group in thieves]
    fixed = [f"{np.mean([rule.fixed(one, n) for one in thieves]):.2f}" for n in FIXED]
    asked = [rule.asked(one) for one in thieves]
    found = f"{np.mean([detected(one) for one in asked]):.2f}"
    probes = f"{np.mean([spent(one) for one in asked]):.0f}"
    every = [one for group in asked for one in group]
    lines.append(["*mean of attacks*", "", *fixed, found, middle(every), probes])
    for group in innocents:
        row = cells(group, rule)
        low, high = interval(detected(rule.asked(group)) * group.suspects, group.suspects)
        row[len(FIXED)] += f" ({low:.2f} to {high:.2f})"
        lines.append([f"*{group.name}*", str(group.suspects), *row])
    return grid(["suspects", "models", *head, "sequential", "median", "mean"], lines)


def choice(thieves: Sequence[Group], innocents: Sequence[Group], alpha: float) -> str:
    """What the first look, the lead and the threshold do, within lineages."""
    named = [name for name in EXTRACTIONS if any(one.name == name for one in thieves)]
    lines = []
    for first, lead, threshold in itertools.product(FIRSTS, LEADS, THRESHOLDS):
        rule = Rule(alpha, within=True, threshold=threshold, lead=lead, first=first)
        asked = {one.name: rule.asked(one) for one in thieves}
        lines.append(
            [
                str(first),
                f"{lead:g}",
                f"{threshold:g}",
                f"{np.mean([detected(one) for one in asked.values()]):.3f}",
                f"{np.mean([spent(one) for one in asked.values()]):.1f}",
                *(middle(asked[name]) for name in named),
                f"{np.mean([detected(rule.asked(one)) for one in innocents]):.3f}",
            ]
        )
    head = ["first look", "lead", "threshold", "detected", "mean"]
    return grid([*head, *(f"median, {name}" for name in named), "innocents called"], lines)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=Path, default=Path("benchmarks/answers"))
    parser.add_argument("--zoos", nargs="*", help="names; all if not given")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--alpha", type=float, default=0.05)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    began = time.perf_counter()
    setting = Setting(draws=args.draws, alpha=args.alpha)
    parts = []
    for file in sorted(args.answers.glob("*.answers")):
        if args.zoos and file.stem not in args.zoos:
            continue
        thieves, innocents = groups(file, setting)
        parts.append(f"## `{file.stem}`")
        if file.stem == CHOSEN_ON:
            parts.append(
                "On this zoo alone were chosen: the first look after"
                f" {FIRST} probes, a lead of {LEAD:g} and a threshold of {THRESHOLD:g} robust"
                " standard deviations. Within lineages:"
            )
            parts.append(choice(thieves, innocents, args.alpha))
        for within in (False, True):
            parts.append("Within lineages too:" if within else "Among all reference models:")
            parts.append(table(thieves, innocents, Rule(args.alpha, within)))
    text = [
        "# The sequential audit",
        "Written by `python benchmarks/sequential.py --write benchmarks/sequential.md` in"
        f" {time.perf_counter() - began:.0f} s by one process on {platform.system()}"
        f" {platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}.",
        f"Method `{METHOD}`, {LOOKS[-1]} probes, the most peculiar first, with looks at"
        f" {', '.join(str(n) for n in LOOKS if n >= FIRST)} probes; alpha {args.alpha:g},"
        f" {args.draws} draws of the candidates, seed {setting.seed}. *Fixed*: share called"
        " derived if so many probes are asked of all, p <= alpha. *Sequential*: share called at any"
        f" look. *Median*: probes to the call, over suspects and draws; > {LOOKS[-1]} if most are"
        f" not called. *Mean*: probes asked, {LOOKS[-1]} where there is no call. Thieves: those as"
        " accurate as the least accurate independent model. Innocents: independent models that are"
        " no references; the interval is Clopper-Pearson, 95%, over models. The number of reference"
        " models bounds the rate; the number of probes does not.",
        *parts,
    ]
    args.write.write_text("\n\n".join(text) + "\n")


if __name__ == "__main__":
    main()
