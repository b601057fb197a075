"""Many rows as few numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from birthmark.bench.table import Row, Table


class Summed(NamedTuple):
    """Detection over all attacks, and in the worst of them."""

    overall: float
    worst: float


def of_victim(table: Table) -> list[Row]:
    """The rows of the zoo's victim, without those of another."""
    return [row for row in table.rows if row.victim == "victim"]


def by_attack(rows: Iterable[Row]) -> dict[str, Row]:
    """One row an attack, in their order."""
    return {row.attack: row for row in rows}


Share = Literal["kept_detected", "kept_verdict"]


def worst(rows: Sequence[Row], attacks: dict[str, Row], share: Share = "kept_detected") -> float:
    """The lowest detection of any attack, among thieves that keep accuracy; see `_counted`."""
    return min(_counted(rows, attacks, share))


def overall(rows: Sequence[Row], attacks: dict[str, Row], share: Share = "kept_detected") -> float:
    """The mean detection over attacks, among thieves that keep accuracy; see `_counted`."""
    counted = _counted(rows, attacks, share)
    return sum(counted) / len(counted)


def by_size(table: Table) -> dict[str, dict[int, Summed]]:
    """By what the table calls a method and by number of probes, all answers, sizes ascending."""
    rows = [row for row in of_victim(table) if row.answers == "all"]
    attacks = by_attack(rows)
    found: dict[str, dict[int, Summed]] = {}
    for alias in dict.fromkeys(row.method for row in rows):
        own = [row for row in rows if row.method == alias]
        found[alias] = {}
        for n in sorted({row.n for row in own}):
            of = [row for row in own if row.n == n]
            found[alias][n] = Summed(overall(of, attacks), worst(of, attacks))
    return found


def sizes(found: dict[str, dict[int, Summed]]) -> list[int]:
    """All numbers of probes, ascending."""
    return sorted({n for of in found.values() for n in of})


def _counted(rows: Sequence[Row], attacks: dict[str, Row], share: Share) -> list[float]:
    """Detection by attack, 0 where it is not applicable; without attacks that ruin every thief."""
    found = {row.attack: getattr(row, share) for row in rows}
    return [found.get(name, 0.0) for name, row in attacks.items() if row.kept]
