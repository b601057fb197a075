"""Who is compared with whom in a recorded zoo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from birthmark.bench.lineages import lineage_of
from birthmark.zoo.answers import Recorded
from birthmark.zoo.models.record import Record
from birthmark.zoo.plan import Role

OUTSIDERS = "outsider"
VICTIM = "victim"
USUAL = "independent"
"""The group that says how accurate honest training is."""


@dataclass(frozen=True)
class Attack:
    """Thieves of one kind.

    Attributes
    ----------
    name
        The group's.
    thieves
        Their names.
    kept
        Whether each is as accurate as the least accurate independent model, or answers with
        another label set. If not, theft got the thief less than honest training would have.
    new_head
        Whether they answer with another label set than the victim's.
    """

    name: str
    thieves: list[str]
    kept: list[bool]
    new_head: bool


@dataclass(frozen=True)
class Population:
    """A zoo from a method's point of view.

    Attributes
    ----------
    references
        Independent models that p-values are ranks among.
    independents
        Other independent models, for false positives and AUC.
    new_references, new_independents
        The same for thieves with a new head: independent models brought to the new label set, of
        different parents.
    attacks
        Thieves by kind.
    outsiders
        Independent models that help to choose probes and are neither ranked nor scored.
    lineages
        Lineage by model.
    """

    victim: str
    references: list[str]
    independents: list[str]
    new_references: list[str]
    new_independents: list[str]
    attacks: list[Attack]
    outsiders: list[str]
    lineages: dict[str, str]

    @classmethod
    def of(cls, recorded: Recorded, victim: str = VICTIM) -> Population:
        """Sort a zoo's models around one of its victims.

        Three quarters of the independent models that were brought to new labels are references.
        """
        records = recorded.records
        same = [r for r in records if r.role is Role.INDEPENDENT and r.task == "own"]
        new = [r for r in records if r.role is Role.INDEPENDENT and r.task != "own"]
        parents = sorted({r.parent or "" for r in new}, key=_number)
        for_references = set(parents[: len(parents) * 3 // 4])
        usual = [r for r in same if r.group == USUAL] or same
        return cls(
            victim=victim,
            references=[r.name for r in records if r.role is Role.REFERENCE],
            independents=[r.name for r in same],
            new_references=[r.name for r in new if r.parent in for_references],
            new_independents=[r.name for r in new if r.parent not in for_references],
            attacks=list(_attacks(_stolen(records, victim), min(r.accuracy for r in usual))),
            outsiders=[r.name for r in records if r.group == OUTSIDERS],
            lineages={r.name: lineage_of(r) for r in records},
        )

    def references_of(self, attack: Attack) -> list[str]:
        """The reference models that an attack's thieves are ranked among."""
        return self.new_references if attack.new_head else self.references

    def innocents_of(self, attack: Attack) -> list[str]:
        """The other independent models that its thieves are compared with."""
        return self.new_independents if attack.new_head else self.independents


def other_victims(recorded: Recorded) -> list[str]:
    """Other victims of the zoo, each with thieves of its own."""
    return [r.name for r in recorded.records if r.role is Role.OTHER and r.parent is None]


def _stolen(records: Sequence[Record], victim: str) -> list[Record]:
    """The models that were taken from a victim; those that help to choose probes are none."""
    found, taken = [], {victim}
    for record in records:
        if record.parent in taken:
            taken.add(record.name)
            if record.role in (Role.STOLEN, Role.OTHER):
                found.append(record)
    return found


def _number(name: str) -> tuple[str, int]:
    group, _, number = name.rpartition("/")
    return group, int(number)


def _attacks(stolen: list[Record], least: float) -> Iterator[Attack]:
    for group in dict.fromkeys(r.group for r in stolen):
        of = [r for r in stolen if r.group == group]
        new_head = of[0].task != "own"
        kept = [new_head or r.accuracy >= least for r in of]
        yield Attack(group, [r.name for r in of], kept, new_head)
