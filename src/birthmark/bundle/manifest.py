"""What a fingerprint says of itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from birthmark.digests import Digest
from birthmark.suspects import Description

FORMAT: Literal["birthmark-fingerprint/1"] = "birthmark-fingerprint/1"
MAX_PROBES = 20_000
MAX_REFERENCES = 10_000

ProbeFile = Annotated[str, StringConstraints(pattern=r"^[0-9]{5}\.(jpg|png)$")]
Name = Annotated[str, StringConstraints(max_length=200)]


class ProbeRecord(BaseModel):
    """One probe: its file, the digests of its bytes and of its decoded pixels, its true class."""

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


class Manifest(BaseModel):
    """The fingerprint's contents, with the digest of everything.

    It holds no time: one that a file states of itself proves nothing. The seal's publication does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["birthmark-fingerprint/1"] = FORMAT
    method: Name
    seed: int
    images: ImageSetRecord
    victim: Description
    references: list[Description] = Field(min_length=1, max_length=MAX_REFERENCES)
    probes: list[ProbeRecord] = Field(min_length=2, max_length=MAX_PROBES)
    outputs: Digest
    libraries: dict[Name, Name]

    @model_validator(mode="after")
    def _distinct(self) -> Manifest:
        if len({probe.file for probe in self.probes}) != len(self.probes):
            raise ValueError("a probe's file is named twice")
        return self
