"""The declarative file of a zoo: which models, trained how, on which images."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from birthmark.common.errors import BirthmarkError
from birthmark.zoo.plan.scale import SCALES, Scale
from birthmark.zoo.plan.sections import (
    Family,
    Foreign,
    Group,
    Images,
    Name,
    NewTask,
    Recorded,
    Role,
    Schedule,
    Section,
    Splits,
)


class Plan(Section):
    """A zoo, as its file declares it."""

    name: Name
    about: str
    task: Literal["classes", "verification"]
    seed: int = 0
    embedding: int = Field(default=32, ge=2)
    augment: Literal["shift", "face"] = "shift"
    core: int = Field(default=16, ge=8)
    images: Images
    splits: Splits = Splits()
    schedule: Schedule
    families: dict[Name, Family]
    transfer: NewTask
    foreign: Foreign
    groups: list[Group]
    answers: Recorded
    scales: dict[Name, Scale] = Field(default_factory=dict)
    scale: str = "cpu"

    @model_validator(mode="after")
    def _fits_together(self) -> Plan:
        known: set[str] = set()
        for group in self.groups:
            if group.name in known:
                raise ValueError(f"two groups are called {group.name!r}")
            for parent in (*group.parents, *(one.partition("/")[0] for one in group.starts)):
                if parent not in known:
                    raise ValueError(
                        f"group {group.name!r}: there is no group {parent!r} before it"
                    )
            for family in group.families:
                if family not in self.families:
                    raise ValueError(f"group {group.name!r}: there is no family {family!r}")
            known.add(group.name)
        victims = [group for group in self.groups if group.role is Role.VICTIM]
        if (self.task == "verification") != (self.splits.folds is not None):
            raise ValueError("splits.folds: verification needs folds, and classes have none")
        if self.splits.folds is not None and set(self.splits.folds) != {"test", "aside"}:
            raise ValueError("splits.folds: name the folds test and aside")
        if len(victims) != 1 or victims[0].name != "victim" or victims[0].count != 1:
            raise ValueError(
                "there must be one group of one model with the role and the name 'victim'"
            )
        return self

    def scaled(self, scale: str) -> Plan:
        """The plan at another scale.

        Raises
        ------
        BirthmarkError
            If there is no such scale.
        """
        known = SCALES | self.scales
        if scale not in known:
            raise BirthmarkError(
                f"--scale {scale}", "is not known", f"choose from {', '.join(known)}"
            )
        return self.model_copy(update={"scale": scale})

    @property
    def size(self) -> Scale:
        """How much of it is built."""
        return (SCALES | self.scales)[self.scale]

    @property
    def measure(self) -> str:
        """What accuracy is called in this task."""
        return "AUC" if self.task == "verification" else "accuracy"

    def with_nets(self, nets: dict[str, str]) -> Plan:
        """The plan with other networks, by family.

        Raises
        ------
        BirthmarkError
            If the plan has no such family.
        """
        families = dict(self.families)
        for name, net in nets.items():
            if name not in families:
                raise BirthmarkError(
                    f"--family {name}={net}",
                    f"the plan has no family {name!r}",
                    f"choose from {', '.join(families)}",
                )
            families[name] = families[name].model_copy(update={"net": net})
        return self.model_copy(update={"families": families})
