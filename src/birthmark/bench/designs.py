"""Reference models drawn from a zoo as an owner might have them: fitting, or lacking something."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from birthmark.bench.lineages import STUDENT
from birthmark.bench.population import Population

OWN, EACH, OTHERS = 4, 2, 5
"""Of 16 that fit: four of the victim's lineage, two of each of five others, two students."""


@dataclass(frozen=True)
class Known:
    """What a design may know.

    Attributes
    ----------
    population
        The zoo around one victim.
    suspect
        Whose verdict is asked for; it is never a reference.
    groups
        Group by model.
    rng
        Draws.
    """

    population: Population
    suspect: str
    groups: Mapping[str, str]
    rng: np.random.Generator

    @property
    def own(self) -> str:
        """The victim's lineage."""
        return self.population.lineages[self.population.victim]

    def inside(self, lineage: str) -> list[str]:
        """Reference models of a lineage, in random order."""
        names = [n for n in self.population.references if self.population.lineages[n] == lineage]
        return [names[i] for i in self.rng.permutation(len(names))]

    def others(self, *, without: Sequence[str] = ()) -> list[str]:
        """Lineages other than the victim's that are no students', in random order."""
        found = {self.population.lineages[name] for name in self.population.references}
        names = sorted(n for n in found - {self.own, *without} if not n.endswith(STUDENT))
        return [names[i] for i in self.rng.permutation(len(names))]

    def students(self) -> list[str]:
        """References that learnt from another reference, in random order."""
        lineages = self.population.lineages
        names = [n for n in self.population.references if lineages[n].endswith(STUDENT)]
        return [names[i] for i in self.rng.permutation(len(names))]


SAME_DATA = "same-recipe"
"""The group of innocents that learnt the victim's own images by its own recipe."""


def lineages_of(population: Population) -> set[str]:
    """Lineages of its references, students' left out."""
    found = {population.lineages[name] for name in population.references}
    return {one for one in found if not one.endswith(STUDENT)}


Choose = Callable[[Known], list[str]]


@dataclass(frozen=True)
class Design:
    """How references are drawn.

    Attributes
    ----------
    name
        The column's heading.
    about
        A sentence.
    choose
        From what is known to the names of references; empty where the zoo or suspect rules it out.
    declared
        The victim's lineage as the owner declares it, where that is not the true one.
    """

    name: str
    about: str
    choose: Choose
    declared: Callable[[Known], str] = lambda known: known.own

    @classmethod
    def of(cls, many: int, each: int) -> Design:
        """So many lineages, the victim's first, and so many models of each; no students."""

        def choose(known: Known) -> list[str]:
            return _some(known, [known.own, *known.others()[: many - 1]], each)

        return cls(f"{many} x {each}", f"{each} of each of {many} lineages", choose)


def _some(known: Known, lineages: Sequence[str], each: int = EACH) -> list[str]:
    return [name for lineage in lineages for name in known.inside(lineage)[:each]]


def _fitting(known: Known) -> list[str]:
    own = known.inside(known.own)[:OWN]
    return own + _some(known, known.others()[:OTHERS]) + known.students()[:EACH]


def _few(known: Known) -> list[str]:
    return known.inside(known.own)[:EACH] + _some(known, known.others()[:3], 1)


def _no_students(known: Known) -> list[str]:
    if not known.students():
        return []
    return known.inside(known.own)[:OWN] + _some(known, known.others()[: OTHERS + 1])


def _no_lineage(known: Known) -> list[str]:
    mine = known.population.lineages[known.suspect].removesuffix(STUDENT)
    if mine == known.own:
        return []
    others = known.others(without=[mine])[:OTHERS]
    return known.inside(known.own)[:OWN] + _some(known, others) + known.students()[:EACH]


def _everyone(known: Known) -> list[str]:
    return list(known.population.references)


def _scratch(known: Known) -> str:
    return known.own.partition("@")[0]


def _no_start(known: Known) -> list[str]:
    if "@" not in known.own:
        return []
    others = [one for one in known.others() if "@" not in one and one != _scratch(known)]
    return known.inside(_scratch(known))[:OWN] + _some(known, others, OWN)


def _regimes(known: Known) -> list[str]:
    """Half of the references are of other regimes, never of the suspect's."""
    regimes = sorted({g for g in known.groups.values() if g.startswith("regime-")})
    if not regimes:
        return []
    away = []
    for regime in regimes:
        names = [n for n, group in known.groups.items() if group == regime]
        if regime != known.groups[known.suspect]:
            away.append(names[known.rng.integers(len(names))])
    return known.inside(known.own)[:OWN] + _some(known, known.others()[:2]) + away


def _same_data(known: Known) -> list[str]:
    """The references of the victim's lineage learnt its own images by its own recipe."""
    names = [n for n, g in known.groups.items() if g == SAME_DATA and n != known.suspect]
    alike = [n for n in names if known.population.lineages[n] == known.own]
    if len(alike) < OWN:
        return []
    own = [alike[i] for i in known.rng.permutation(len(alike))][:OWN]
    return own + _some(known, known.others()[:OTHERS]) + known.students()[:EACH]


DESIGNS = (
    Design(
        "fitting",
        "four of the victim's lineage, two of each of five others, two students",
        _fitting,
    ),
    Design("five", "two of the victim's lineage, one of each of three others", _few),
    Design("all", "every reference of the zoo", _everyone),
    Design(
        "no students", "as the first, with one more lineage instead of the students", _no_students
    ),
    Design(
        "lineage left out",
        "as the first, without the suspect's lineage; not for suspects of the victim's",
        _no_lineage,
    ),
    Design(
        "other regimes in",
        "four of the victim's lineage, two of each of two others, and one"
        " innocent of each regime that is not the suspect's",
        _regimes,
    ),
    Design(
        "the victim's data in",
        "as the first, but the four of the victim's lineage learnt the victim's own images by its"
        " own recipe",
        _same_data,
    ),
    Design(
        "start left out",
        "from random weights only, while the owner says that the victim began so",
        _no_start,
        _scratch,
    ),
)
