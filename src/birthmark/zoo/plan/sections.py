"""The sections of a plan's file."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
Start = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*(/[0-9]{1,4})?$", max_length=65)]
Share = Annotated[float, Field(gt=0, le=1)]
Scalar = int | float | str


class Role(StrEnum):
    """What a model of the zoo is to the victim.

    `COMPANION` only helps to choose probes; `OTHER` is another victim of the same zoo, or comes of
    one; a `START` is a public checkpoint that others begin from, and is asked nothing.
    """

    VICTIM = "victim"
    REFERENCE = "reference"
    INDEPENDENT = "independent"
    STOLEN = "stolen"
    COMPANION = "companion"
    OTHER = "other"
    START = "start"


class Part(StrEnum):
    """Which images a model is trained on; `HALF` is a random half of the owner's and thief's."""

    OWNER = "owner"
    THIEF = "thief"
    HALF = "half"


class Section(BaseModel):
    """A part of a plan, in which nothing is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Images(Section):
    """A set of images and the form in which networks see them.

    Attributes
    ----------
    source
        A reader of `birthmark.zoo.images.sources`; also the folder's name below the data folder.
    size
        Side in pixels.
    channels
        1 or 3.
    """

    source: str
    size: int = Field(ge=16, le=512)
    channels: Literal[1, 3]


class Splits(Section):
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


class Schedule(Section):
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


class Family(Section):
    """A family of networks.

    Attributes
    ----------
    net
        A network of `birthmark.training.nets` or a factory `module:function` of yours.
    epochs
        Passes over the images where they differ from the schedule's.
    """

    net: str
    epochs: float | None = Field(default=None, gt=0)


class NewTask(Section):
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


class Foreign(Section):
    """Images of another kind: for thieves who have none of the victim's, and for checkpoints."""

    source: str
    images: int = Field(default=8000, ge=1)


class Group(Section):
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
    starts
        Groups of checkpoints, or single ones (`checkpoint/0`), whose weights they begin with under
        a new last layer, taken in turn; random weights if empty.
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
    starts: list[Start] = []
    data: list[Part] = [Part.THIEF]
    families: list[str] = []
    parameters: dict[str, Scalar | list[Scalar]] = {}
    within: float | None = None


class Recorded(Section):
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
