"""How many reference models and probes an audit takes, and what a given number of them reaches."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from birthmark.calibration.bounds import interval
from birthmark.calibration.conformal import references_needed, smallest_p
from birthmark.calibration.lineages import LEAST, held_rate, lineage_rate
from birthmark.common.errors import BirthmarkError

FORMAT = "birthmark-power/1"
MEASURED_AT = 0.05
"""The rate that zoos' detections are of; below it there is only who is closer than all."""
LEAST_ALPHA = 1e-6

Measure = Literal["detected", "closest"]


@dataclass(frozen=True)
class Measured:
    """One attack in one zoo.

    Attributes
    ----------
    zoo, attack
        Their names.
    thieves
        How many.
    kept
        How many of these are as accurate as the least accurate independent model, at least 1.
    innocents
        Closest means closer than all of so many.
    sizes
        Numbers of probes, ascending.
    detected
        By size: share of those kept with p <= 5%.
    closest
        By size: share of all thieves that are closer than every innocent model.
    """

    zoo: str
    attack: str
    thieves: int
    kept: int
    innocents: int
    sizes: tuple[int, ...]
    detected: tuple[float, ...]
    closest: tuple[float, ...]

    def of(self, measure: Measure) -> int:
        """How many thieves a measure is of."""
        return self.kept if measure == "detected" else self.thieves

    def rate(self, measure: Measure, n: int) -> float:
        """The share at n probes, one of the sizes."""
        rates = self.detected if measure == "detected" else self.closest
        return rates[self.sizes.index(n)]

    def low(self, measure: Measure, n: int) -> float:
        """The lower end of its 95% Clopper-Pearson interval over thieves."""
        of = self.of(measure)
        return interval(self.rate(measure, n) * of, of)[0]


@dataclass(frozen=True)
class Power:
    """What is known of one attack, over the zoos that have it.

    Attributes
    ----------
    attack
        Its name.
    needed
        The smallest measured number of probes from which on, at all larger ones too, the power
        asked for is reached in every zoo; None if there is none.
    most
        The highest power, over all numbers of probes, of the zoo where it is lowest.
    probes
        The number of probes that the rest is of.
    worst, best
        Power in the zoos where it is lowest and highest.
    low
        The lowest lower end of the zoos' 95% intervals.
    thieves
        How many in the zoo that has the fewest.
    zoos
        How many zoos.
    """

    attack: str
    needed: int | None
    most: float
    probes: int
    worst: float
    best: float
    low: float
    thieves: int
    zoos: int


@dataclass(frozen=True)
class References:
    """Reference models.

    Attributes
    ----------
    lineages
        How many of each lineage, the victim's own first.
    alpha
        The false-positive rate asked for.
    """

    lineages: tuple[int, ...]
    alpha: float

    @property
    def count(self) -> int:
        """How many in all."""
        return sum(self.lineages)

    @property
    def smallest(self) -> float:
        """No smaller alpha can be reached."""
        return smallest_p(self.count)

    @property
    def usable(self) -> bool:
        """Whether anything can be called derived: at least 5 are of the victim's own lineage."""
        return self.lineages[0] >= LEAST

    @property
    def reachable(self) -> bool:
        """Whether p <= alpha is possible."""
        return self.smallest <= self.alpha

    @property
    def within(self) -> float:
        """The highest rate of an innocent of any one lineage, by the rule in `by_lineage`."""
        return max(lineage_rate(self.alpha, n) for n in self.lineages)

    @property
    def rate(self) -> float:
        """The rate of an innocent that is exchangeable with all; 0 where alpha can't be reached."""
        return held_rate(self.alpha, self.count)


@dataclass(frozen=True)
class Plan:
    """What an audit takes or reaches.

    Attributes
    ----------
    alpha, suspects
        The rate of a false accusation among so many suspects.
    each
        The rate for one suspect: alpha / suspects (Bonferroni).
    power
        The share of thieves to detect.
    labels
        Whether the models say labels alone.
    needed
        How many references p <= each takes.
    references
        Those there are, or if none were named the least that will do.
    tested
        The rate that the power is of: each, or the smallest that the references can reach.
    measure
        What stands for power at that rate.
    innocents
        The fewest and the most models that "closest" is closer than.
    zoos
        Where power was measured.
    powers
        By attack, the easier first.
    """

    alpha: float
    suspects: int
    each: float
    power: float
    labels: bool
    needed: int
    references: References
    tested: float
    measure: Measure
    innocents: tuple[int, int]
    zoos: tuple[str, ...]
    powers: tuple[Power, ...]

    @property
    def needed_in_lineages(self) -> int:
        """How many references it takes for `each` to hold within every lineage."""
        return len(self.references.lineages) * max(self.needed, LEAST)


def plan(
    alpha: float = 0.05,
    power: float = 0.95,
    *,
    suspects: int = 1,
    lineages: int = 1,
    references: int | None = None,
    sizes: Sequence[int] = (),
    probes: int | None = None,
    labels: bool = False,
    measured: Sequence[Measured] | None = None,
) -> Plan:
    """What an audit takes, or what it reaches with so many references and probes.

    Parameters
    ----------
    alpha
        The rate of a false accusation among all suspects, 0.000001 to 1 for each.
    power
        The share of thieves to detect, 0 to 1, both excluded.
    suspects
        How many are audited, at least 1.
    lineages
        How many lineages the references are of; they are spread evenly, but for at least 5 of the
        victim's own.
    references
        How many there are; the least that will do if None.
    sizes
        How many of each lineage instead, the victim's own first.
    probes
        How many can be sent; as many as it takes if None.
    labels
        Whether the models say labels alone.
    measured
        Power on zoos; what comes with the package if None.

    Raises
    ------
    BirthmarkError
        If a number is out of its range, or nothing was measured with so few probes.
    """
    for option, number in (("--suspects", suspects), ("--lineages", lineages)):
        if number < 1:
            raise BirthmarkError(option, f"is {number}", "pass 1 or more")
    if not 0 < alpha < 1:
        raise BirthmarkError("--alpha", f"is {alpha}", "pass a rate between 0 and 1, such as 0.05")
    each = float(f"{alpha / suspects:.12g}")
    if each < LEAST_ALPHA:
        raise BirthmarkError(
            "--alpha",
            f"is {each:.3g} for each suspect, which takes more than a million references",
            f"pass {LEAST_ALPHA * suspects:g} or more",
        )
    if not 0 < power < 1:
        raise BirthmarkError("--power", f"is {power}", "pass a share between 0 and 1, such as 0.95")
    needed = references_needed(each)
    theirs = References(_sizes(references, sizes, lineages, needed), each)
    tested = max(each, theirs.smallest)
    measure: Measure = "detected" if tested >= MEASURED_AT else "closest"
    known = load(labels) if measured is None else measured
    return Plan(
        alpha=alpha,
        suspects=suspects,
        each=each,
        power=power,
        labels=labels,
        needed=needed,
        references=theirs,
        tested=tested,
        measure=measure,
        innocents=(min(m.innocents for m in known), max(m.innocents for m in known)),
        zoos=tuple(dict.fromkeys(m.zoo for m in known)),
        powers=_powers(known, measure, power, probes) if theirs.usable else (),
    )


def power_of(
    zoos: Sequence[Measured], measure: Measure, power: float, probes: int | None = None
) -> Power | None:
    """One attack over zoos, at the sizes measured in all of them.

    Parameters
    ----------
    zoos
        The attack in each zoo; at least one.
    measure
        Which share counts.
    power
        The share asked for.
    probes
        Look at the largest size that is at most this; if None at `needed`, or where that is None
        at the size at which the worst zoo is best.

    Returns
    -------
    Power | None
        None if no size fits.
    """
    sizes = sorted(set.intersection(*(set(zoo.sizes) for zoo in zoos)))
    lowest = {n: min(zoo.rate(measure, n) for zoo in zoos) for n in sizes}
    needed = None
    for n in reversed(sizes):
        if lowest[n] < power:
            break
        needed = n
    fitting = [n for n in sizes if probes is None or n <= probes]
    if not fitting:
        return None
    best = max(sizes, key=lambda n: lowest[n])
    at = (needed or best) if probes is None else fitting[-1]
    return Power(
        attack=zoos[0].attack,
        needed=needed,
        most=lowest[best],
        probes=at,
        worst=lowest[at],
        best=max(zoo.rate(measure, at) for zoo in zoos),
        low=min(zoo.low(measure, at) for zoo in zoos),
        thieves=min(zoo.of(measure) for zoo in zoos),
        zoos=len(zoos),
    )


@cache
def load(labels: bool = False) -> tuple[Measured, ...]:
    """The power that `benchmarks/power.py` took from the zoos' tables, without useless thieves."""
    text = files("birthmark.calibration").joinpath("power.json").read_text(encoding="utf-8")
    return tuple(
        Measured(
            zoo=zoo,
            attack=attack,
            thieves=of["thieves"],
            kept=of["kept"],
            innocents=of["innocents"],
            sizes=tuple(n for n, _, _ in of["rows"]),
            detected=tuple(detected for _, detected, _ in of["rows"]),
            closest=tuple(closest for _, _, closest in of["rows"]),
        )
        for zoo, facts in json.loads(text)["zoos"].items()
        for attack, of in facts["labels" if labels else "all"].items()
        if of["kept"]
    )


def _powers(
    known: Sequence[Measured], measure: Measure, power: float, probes: int | None
) -> tuple[Power, ...]:
    by_attack: dict[str, list[Measured]] = {}
    for one in known:
        by_attack.setdefault(one.attack, []).append(one)
    found = [power_of(zoos, measure, power, probes) for zoos in by_attack.values()]
    powers = [one for one in found if one is not None]
    if not powers:
        least = min(n for one in known for n in one.sizes)
        raise BirthmarkError(
            "--probes", f"is {probes}; power with so few is not measured", f"pass {least} or more"
        )
    return tuple(sorted(powers, key=lambda one: (one.needed or math.inf, -one.worst, one.attack)))


def _sizes(
    references: int | None, sizes: Sequence[int], lineages: int, needed: int
) -> tuple[int, ...]:
    """How many references of each lineage, the victim's own first."""
    if sizes:
        if references is not None or lineages != 1:
            raise BirthmarkError(
                "--lineage", "says how many there are", "leave out --references and --lineages"
            )
        if min(sizes) < 1:
            raise BirthmarkError("--lineage", f"is {min(sizes)}", "pass 1 or more")
        return tuple(sizes)
    count = max(needed, LEAST + lineages - 1) if references is None else references
    if count < lineages:
        raise BirthmarkError(
            "--references", f"is {count}", f"pass {lineages} or more, one of each lineage"
        )
    own = min(max(LEAST, math.ceil(count / lineages)), count - lineages + 1)
    others = lineages - 1
    return (own, *((count - own + i) // others for i in reversed(range(others))))
