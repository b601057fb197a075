"""Who is compared with whom in a recorded zoo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from birthmark.zoo.answers import Recorded
from birthmark.zoo.models.record import Record
from birthmark.zoo.plan import Role

OUTSIDERS = "outsider"


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
    def of(cls, recorded: Recorded) -> Population:
        """Sort a zoo's models; three quarters of those brought to new labels are references."""
        records = [r for r in recorded.records if r.role is not Role.OTHER]
        same = [r for r in records if r.role is Role.INDEPENDENT and r.task == "own"]
        new = [r for r in records if r.role is Role.INDEPENDENT and r.task != "own"]
        parents = sorted({r.parent or "" for r in new}, key=_number)
        for_references = set(parents[: len(parents) * 3 // 4])
        return cls(
            victim=next(r.name for r in records if r.role is Role.VICTIM),
            references=[r.name for r in records if r.role is Role.REFERENCE],
            independents=[r.name for r in same],
            new_references=[r.name for r in new if r.parent in for_references],
            new_independents=[r.name for r in new if r.parent not in for_references],
            attacks=list(
                _attacks(
                    [r for r in records if r.role is Role.STOLEN], min(r.accuracy for r in same)
                )
            ),
            outsiders=[r.name for r in records if r.group == OUTSIDERS],
            lineages={r.name: r.family for r in recorded.records},
        )

    def references_of(self, attack: Attack) -> list[str]:
        """The reference models that an attack's thieves are ranked among."""
        return self.new_references if attack.new_head else self.references

    def innocents_of(self, attack: Attack) -> list[str]:
        """The other independent models that its thieves are compared with."""
        return self.new_independents if attack.new_head else self.independents

    @classmethod
    def of_other(cls, recorded: Recorded) -> Population | None:
        """The same models around another victim of the zoo, with its own thieves; None without."""
        others = [r for r in recorded.records if r.role is Role.OTHER]
        if not others:
            return None
        whole = cls.of(recorded)
        least = min(recorded.record(name).accuracy for name in whole.independents)
        return replace(whole, victim=others[0].name, attacks=list(_attacks(others[1:], least)))


def _number(name: str) -> tuple[str, int]:
    group, _, number = name.rpartition("/")
    return group, int(number)


def _attacks(stolen: list[Record], least: float) -> Iterator[Attack]:
    for group in dict.fromkeys(r.group for r in stolen):
        of = [r for r in stolen if r.group == group]
        new_head = of[0].task != "own"
        kept = [new_head or r.accuracy >= least for r in of]
        yield Attack(group, [r.name for r in of], kept, new_head)
