"""How many references and probes an audit takes, and what a given number of them reaches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from birthmark.calibration.conformal import references_needed
from birthmark.common.errors import BirthmarkError

FORMAT = "birthmark-power/2"
RATES = (0.05, 0.01, 0.001)
"""False-positive rates that power was measured at."""
COPY = "copy"


@dataclass(frozen=True)
class Cell:
    """Thieves of one attack in one zoo, with so many references and probes.

    Attributes
    ----------
    zoo, attack
        Their names.
    kind
        `copy` or `extraction`.
    thieves
        How many there are.
    lineages, each
        References: so many lineages, the victim's own among them, and models of each.
    probes
        How many.
    found
        By rate, the share called derived by the rule `unseen`.
    """

    zoo: str
    attack: str
    kind: str
    thieves: int
    lineages: int
    each: int
    probes: int
    found: tuple[float, ...]

    @property
    def references(self) -> int:
        """How many in all."""
        return self.lineages * self.each


@dataclass(frozen=True)
class Power:
    """What is known of one attack, with some references and probes.

    Attributes
    ----------
    attack, kind
        Its name and kind.
    worst, best
        The share found in the zoo where it is lowest and highest.
    zoos
        How many zoos have it.
    """

    attack: str
    kind: str
    worst: float
    best: float
    zoos: int


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
        The share of copies to find.
    labels
        Whether the models say labels alone.
    tested
        The rate that power is of: the largest measured that is at most `each`, or the smallest.
    lineages, models, probes
        References, so many lineages with so many models of each, and probes: the fewest that reach
        the power in every zoo, or the best of those allowed.
    reached
        Whether copies are found with that power by every attack in every zoo.
    zoos
        Where it was measured: those that have so many lineages.
    powers
        By attack, copies first, the easier first.
    by_rank
        How many references the rule `rank` would take.
    """

    alpha: float
    suspects: int
    each: float
    power: float
    labels: bool
    tested: float
    lineages: int
    models: int
    probes: int
    reached: bool
    zoos: tuple[str, ...]
    powers: tuple[Power, ...]
    by_rank: int

    @property
    def references(self) -> int:
        """How many in all."""
        return self.lineages * self.models


def plan(
    alpha: float = 0.01,
    power: float = 0.95,
    *,
    suspects: int = 1,
    references: int | None = None,
    lineages: int | None = None,
    probes: int | None = None,
    labels: bool = False,
    measured: Sequence[Cell] | None = None,
) -> Plan:
    """What an audit takes, or what it reaches with at most so many references and probes.

    Victims that began from random weights count; how much a checkpoint costs is told in the docs.

    Parameters
    ----------
    alpha
        The rate of a false accusation among all suspects, 0 to 1.
    power
        The share of copies to find, 0 to 1, both excluded.
    suspects
        How many are audited, at least 1.
    references, lineages, probes
        How many there are at most; as many as it takes if None.
    labels
        Whether the models say labels alone.
    measured
        Power on zoos; what comes with the package if None.

    Raises
    ------
    BirthmarkError
        If a number is out of its range, or nothing was measured with so few.
    """
    if suspects < 1:
        raise BirthmarkError("--suspects", f"is {suspects}", "pass 1 or more")
    for option, number in (("--alpha", alpha), ("--power", power)):
        if not 0 < number < 1:
            raise BirthmarkError(option, f"is {number}", "pass a number between 0 and 1")
    each = float(f"{alpha / suspects:.12g}")
    tested = max((rate for rate in RATES if rate <= each), default=RATES[-1])
    known = load(labels) if measured is None else measured
    allowed = [
        one
        for one in known
        if (references is None or one.references <= references)
        and (lineages is None or one.lineages <= lineages)
        and (probes is None or one.probes <= probes)
    ]
    if not allowed:
        least = min(one.references for one in known), min(one.probes for one in known)
        raise BirthmarkError(
            "--references, --lineages or --probes",
            "are too few: power was not measured for so small a number",
            f"pass {least[0]} references of 2 lineages and {least[1]} probes, or more",
        )
    at = RATES.index(tested)
    chosen = _chosen(allowed, at, power)
    cells = [one for one in allowed if (one.lineages, one.each, one.probes) == chosen]
    powers = _powers(cells, at)
    return Plan(
        alpha=alpha,
        suspects=suspects,
        each=each,
        power=power,
        labels=labels,
        tested=tested,
        lineages=chosen[0],
        models=chosen[1],
        probes=chosen[2],
        reached=all(one.worst >= power for one in powers if one.kind == COPY),
        zoos=tuple(dict.fromkeys(one.zoo for one in cells)),
        powers=powers,
        by_rank=references_needed(each),
    )


def _chosen(allowed: Sequence[Cell], at: int, power: float) -> tuple[int, int, int]:
    """The fewest references, then probes, that reach the power for copies; else the best."""
    worst: dict[tuple[int, int, int], float] = {}
    for one in allowed:
        if one.kind == COPY:
            key = (one.lineages, one.each, one.probes)
            worst[key] = min(worst.get(key, 1.0), one.found[at])
    enough = [key for key, least in worst.items() if least >= power]
    if enough:
        return min(enough, key=lambda key: (key[0] * key[1], key[2], -key[0]))
    return max(worst, key=lambda key: (worst[key], -key[0] * key[1], -key[2]))


def _powers(cells: Sequence[Cell], at: int) -> tuple[Power, ...]:
    by_attack: dict[str, list[Cell]] = {}
    for one in cells:
        by_attack.setdefault(one.attack, []).append(one)
    found = [
        Power(
            attack=attack,
            kind=of[0].kind,
            worst=min(one.found[at] for one in of),
            best=max(one.found[at] for one in of),
            zoos=len(of),
        )
        for attack, of in by_attack.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.kind, -one.worst, -one.best, one.attack)))


@cache
def load(labels: bool = False, start: str = "random") -> tuple[Cell, ...]:
    """The power that `benchmarks/power.py` measured on zoos whose victim began so."""
    text = files("birthmark.calibration").joinpath("power.json").read_text(encoding="utf-8")
    return tuple(
        Cell(zoo, attack, of["kind"], of["thieves"], many, each, n, tuple(found))
        for zoo, facts in json.loads(text)["zoos"].items()
        if facts["start"] == start
        for attack, of in facts.get("labels" if labels else "all", {}).items()
        for many, each, n, *found in of["rows"]
    )
