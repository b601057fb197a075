"""The declarative file of a zoo: which models, trained how, on which images."""

from __future__ import annotations

from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from birthmark.common.errors import BirthmarkError
from birthmark.common.tomls import toml_of
from birthmark.data.images import read_bytes

MAX_FILE = 1 << 18

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
Share = Annotated[float, Field(gt=0, le=1)]
Scalar = int | float | str


class Role(StrEnum):
    """What a model of the zoo is to the victim.

    `COMPANION` only helps to choose probes; `OTHER` belongs to another victim of the same zoo.
    """

    VICTIM = "victim"
    REFERENCE = "reference"
    INDEPENDENT = "independent"
    STOLEN = "stolen"
    COMPANION = "companion"
    OTHER = "other"


class Part(StrEnum):
    """Which images a model is trained on; `HALF` is a random half of the owner's and thief's."""

    OWNER = "owner"
    THIEF = "thief"
    HALF = "half"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Images(_Section):
    """A set of images and the form in which networks see them.

    Attributes
    ----------
    source
        A reader of `birthmark.zoo.sources`; also the folder's name below the data folder.
    size
        Side in pixels.
    channels
        1 or 3.
    """

    source: str
    size: int = Field(ge=16, le=512)
    channels: Literal[1, 3]


class Splits(_Section):
    """How the images are divided; every part is disjoint from the others.

    Attributes
    ----------
    pool
        The official split that probes and selection are taken from; what is left of `train`
        after that is halved into owner and thief.
    test_from
        The official split that the test part is taken from, after the pool.
    probes, selection, test
        How many images each part holds; 0 for all that are left.
    folds
        For verification: folds whose pairs are the test, and folds whose people are set aside for
        selection (a fifth) and probes; all others are divided into owner and thief.
    """

    pool: str = "test"
    test_from: str = "test"
    probes: int = Field(default=1500, ge=0)
    selection: int = Field(default=500, ge=0)
    test: int = Field(default=0, ge=0)
    folds: dict[Literal["test", "aside"], list[int]] | None = None


class Schedule(_Section):
    """How long and how fast a network is trained.

    Attributes
    ----------
    epochs
        Passes over the images.
    rate
        Peak learning rate of a one-cycle schedule.
    batch
        Images a step.
    decay
        Weight decay.
    """

    epochs: float = Field(gt=0)
    rate: float = Field(gt=0)
    batch: int = Field(default=64, ge=2)
    decay: float = Field(default=5e-4, ge=0)


class Family(_Section):
    """A family of networks.

    Attributes
    ----------
    net
        A network of `birthmark.zoo.nets` or a factory `module:function` of yours.
    epochs
        Passes over the images where they differ from the schedule's.
    """

    net: str
    epochs: float | None = Field(default=None, gt=0)


class NewTask(_Section):
    """The label set that a thief transfers a model to.

    Attributes
    ----------
    source
        Where its images are from.
    classes
        Which classes of that set, in the order of the new label set; each entry may merge some.
    images
        How many images to train on at most.
    """

    source: str
    classes: list[int | list[int]] | None = None
    images: int = Field(default=4000, ge=1)


class Foreign(_Section):
    """Images of another kind, for thieves who have none of the victim's kind."""

    source: str
    images: int = Field(default=8000, ge=1)


class Group(_Section):
    """Models made by one recipe.

    Attributes
    ----------
    name
        The group's; its models are `name/0`, `name/1` and so on.
    role
        What they are to the victim.
    recipe
        A recipe of `birthmark.zoo.recipes`.
    count
        How many; a scale may say otherwise.
    parents
        Groups whose models they start from, or whose answers they learn, taken in turn.
    data
        Parts they are trained on, taken in turn.
    families
        Networks, taken in turn; all of the plan's if empty.
    parameters
        The recipe's; of a list, each model takes one in turn.
    within
        How many points of accuracy below the victim they may be; None if there is no mark.
    """

    name: Name
    role: Role
    recipe: str
    count: int = Field(default=8, ge=1)
    parents: list[str] = []
    data: list[Part] = [Part.THIEF]
    families: list[str] = []
    parameters: dict[str, Scalar | list[Scalar]] = {}
    within: float | None = None


class Scale(_Section):
    """How much of a plan is built.

    Attributes
    ----------
    share
        Share of the images that are used.
    epochs
        Factor on every number of epochs.
    counts
        Models a group by role, where they differ from the plan's.
    probes
        Share of the recorded probes.
    """

    share: Share = 1.0
    epochs: float = Field(default=1.0, gt=0)
    counts: dict[Role, int] = {}
    probes: Share = 1.0


SCALES = {
    "tiny": Scale(
        share=0.05,
        epochs=0.2,
        counts={
            Role.REFERENCE: 4,
            Role.INDEPENDENT: 2,
            Role.STOLEN: 1,
            Role.COMPANION: 1,
            Role.OTHER: 1,
        },
        probes=0.05,
    ),
    "cpu": Scale(),
    "paper": Scale(epochs=5.0, counts={Role.REFERENCE: 40, Role.INDEPENDENT: 20, Role.STOLEN: 20}),
}
"""`paper` has the published 20 models a group; full-size networks are passed as families."""


class Recorded(_Section):
    """What `birthmark zoo answer` puts to every model.

    Attributes
    ----------
    probes
        How many probes of each way of making them.
    bits
        Bits a number is kept in.
    """

    probes: dict[str, Annotated[int, Field(ge=1)]]
    bits: int = Field(default=10, ge=6, le=15)


class Plan(_Section):
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
    scales: dict[Name, Scale] = {}
    scale: str = "cpu"

    @model_validator(mode="after")
    def _fits_together(self) -> Plan:
        known: set[str] = set()
        for group in self.groups:
            if group.name in known:
                raise ValueError(f"groups: two are called {group.name!r}")
            for parent in group.parents:
                if parent not in known:
                    raise ValueError(f"group {group.name!r}: no group {parent!r} before it")
            for family in group.families:
                if family not in self.families:
                    raise ValueError(f"group {group.name!r}: no family {family!r}")
            known.add(group.name)
        victims = [group for group in self.groups if group.role is Role.VICTIM]
        if (self.task == "verification") != (self.splits.folds is not None):
            raise ValueError("splits.folds: verification needs them, classes have none")
        if self.splits.folds is not None and set(self.splits.folds) != {"test", "aside"}:
            raise ValueError("splits.folds: name the folds test and aside")
        if len(victims) != 1 or victims[0].name != "victim" or victims[0].count != 1:
            raise ValueError("groups: one group of one model has the role and name 'victim'")
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


def names() -> list[str]:
    """Names of the plans that come with the package."""
    return sorted(
        file.name.removesuffix(".toml")
        for file in files("birthmark.zoo").joinpath("plans").iterdir()
        if file.name.endswith(".toml")
    )


def open_plan(name: str) -> Plan:
    """Read a plan that comes with the package, or a TOML file.

    Raises
    ------
    BirthmarkError
        If there is none, or a field is wrong.
    """
    return checked(toml_of(text_of(name).encode(), name, MAX_FILE), name)


def text_of(name: str) -> str:
    """The text of a plan that comes with the package, or of a file.

    Raises
    ------
    BirthmarkError
        If there is none.
    """
    if name in names():
        return files("birthmark.zoo").joinpath("plans", f"{name}.toml").read_text()
    if Path(name).is_file():
        return read_bytes(Path(name)).decode(errors="replace")
    raise BirthmarkError(
        f"plan {name!r}", "is not known", f"name a TOML file or one of {', '.join(names())}"
    )


def checked(fields: dict[str, Any], source: str) -> Plan:
    """Check the fields of a plan.

    Raises
    ------
    BirthmarkError
        If one is wrong; it is named.
    """
    try:
        return Plan.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = list(first["loc"])
        if place[:1] == ["groups"] and len(place) > 1:
            named = fields["groups"][place[1]]
            place[1] = named.get("name", place[1]) if isinstance(named, dict) else place[1]
        field = ".".join(map(str, place)) or "the plan"
        problem = first["msg"].removeprefix("Value error, ")
        problem = "is unknown" if first["type"] == "extra_forbidden" else problem
        raise BirthmarkError(source, f"{field}: {problem}", "mend that field") from error
