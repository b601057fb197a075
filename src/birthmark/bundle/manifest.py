"""What a fingerprint says of itself."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    field_validator,
    model_serializer,
    model_validator,
)

from birthmark.calibration.population import Fit
from birthmark.common.digests import Digest, sha256
from birthmark.common.errors import one_line
from birthmark.models.adapters import Description

FORMAT: Literal["birthmark-fingerprint/2"] = "birthmark-fingerprint/2"
FIRST = "birthmark-fingerprint/1"
"""Read still; it says `family` for a lineage, and nothing of the victim's start."""
MAX_PROBES = 20_000
MAX_REFERENCES = 10_000

ProbeFile = Annotated[str, StringConstraints(pattern=r"^[0-9]{5}\.(jpg|png)$")]
Name = Annotated[str, StringConstraints(max_length=200)]
Share = Annotated[float, Field(ge=0, le=1)]


def nameable(start: str) -> bool:
    """Whether it can be what a lineage's name has after an `@`: one line fit to show."""
    return start != "" and "@" not in start and one_line(start, 200) == start


def _nameable(start: str) -> str:
    if not nameable(start):
        raise ValueError("no lineage could be named by it")
    return start


def _shown(text: str) -> str:
    if text != one_line(text, 500) or not text:
        raise ValueError("is not one line of 1 to 500 characters")
    return text


Words = Annotated[str, AfterValidator(_shown)]
Start = Annotated[str, AfterValidator(_nameable)]


def seed_of(public: str) -> int:
    """The seed that words give which anyone can look up: the first 63 bits of their SHA-256."""
    return int(sha256(public.encode()).removeprefix("sha256:")[:16], 16) >> 1


class ProbeRecord(BaseModel):
    """One probe: its file, the digests of its bytes and of its decoded pixels, its label.

    The label is its true class or, of some methods, the class that it was crafted for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: ProbeFile
    digest: Digest
    pixels: Digest
    label: int | None


class ImageSetRecord(BaseModel):
    """The image set the probes were drawn from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: Digest
    count: int = Field(ge=1)
    resize: tuple[int, int] | None


class CompanionRecords(BaseModel):
    """The models that helped to choose the probes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    surrogates: list[Description] = Field(max_length=MAX_REFERENCES)
    outsiders: list[Description] = Field(max_length=MAX_REFERENCES)


class PopulationRecord(BaseModel):
    """How the victim stood among the references on images that nobody's answers had chosen.

    Attributes
    ----------
    images
        How many there were.
    fit
        Whether it is one more draw of their population; None with fewer than two references.
    victim, references
        Shares of right labels, whatever classes are called; None or empty where labels are not
        known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int = Field(ge=1)
    fit: Fit | None
    victim: Share | None
    references: list[Share] = Field(max_length=MAX_REFERENCES)

    @field_validator("fit", mode="after")
    @classmethod
    def _finite(cls, told: Fit | None) -> Fit | None:
        if told is not None and not all(map(math.isfinite, told.model_dump().values())):
            raise ValueError("holds a number that is not finite")
        return told


def _renamed(fields: Any) -> Any:
    """The same with `lineage` for `family`, at every depth."""
    if isinstance(fields, list):
        return [_renamed(one) for one in fields]
    if not isinstance(fields, dict):
        return fields
    if "lineage" in fields:
        raise ValueError(f"{FIRST} says family")
    return {"lineage" if k == "family" else k: _renamed(v) for k, v in fields.items()}


class Manifest(BaseModel):
    """The fingerprint's contents, with the digest of everything.

    It holds no time: one that a file states of itself proves nothing. The seal's publication does.
    Where there were no companions, nothing is written about them, nor of `seed_from` where there
    is none: words of which the seed was made, such as a beacon's value of a stated day.

    `start` is what the victim's training began from: `random`, or a checkpoint's name; None where
    nobody stated it. `population` is there where the probes were chosen by answers; elsewhere it
    follows from the answers. `split` is the seal of the plan by which the images of the victim's
    training were drawn, if they were; nothing is written where not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["birthmark-fingerprint/2"] = FORMAT
    method: Name
    seed: int
    seed_from: Words | None = None
    images: ImageSetRecord
    victim: Description
    references: list[Description] = Field(min_length=1, max_length=MAX_REFERENCES)
    probes: list[ProbeRecord] = Field(min_length=2, max_length=MAX_PROBES)
    outputs: Digest
    start: Start | None = None
    population: PopulationRecord | None = None
    libraries: dict[Name, Name]
    companions: CompanionRecords | None = None
    split: Digest | None = None

    @property
    def helpers(self) -> list[Description]:
        """The models that helped to choose the probes, if any."""
        helped = self.companions
        return [] if helped is None else [*helped.surrogates, *helped.outsiders]

    @model_validator(mode="before")
    @classmethod
    def _of_the_first_format(cls, fields: Any) -> Any:
        if not isinstance(fields, dict) or fields.get("format") != FIRST:
            return fields
        if fields.keys() & {"start", "population"}:
            raise ValueError(f"{FIRST} has no start and no population")
        return _renamed(fields) | {"format": FORMAT}

    @model_validator(mode="after")
    def _distinct(self) -> Manifest:
        if len({probe.file for probe in self.probes}) != len(self.probes):
            raise ValueError("a probe's file is named twice")
        if self.seed_from is not None and self.seed != seed_of(self.seed_from):
            raise ValueError("the seed is not that of seed_from")
        record = self.population
        if record is not None and len(record.references) != (
            0 if record.victim is None else len(self.references)
        ):
            raise ValueError("the population has a share for some of its models only")
        return self

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        for name in ("companions", "split", "seed_from"):
            if getattr(self, name) is None:
                fields.pop(name, None)
        return fields
