"""The two files of a registry that are read and checked: `registry.json` and `sketch.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from birthmark.bundle.manifest import ImageSetRecord, ProbeRecord
from birthmark.common.digests import Digest, is_canonical, sha256
from birthmark.common.errors import BirthmarkError, fault_of
from birthmark.common.files import read_bytes
from birthmark.common.jsons import has_few_parts
from birthmark.registry.sketch import WIDTH

FORMAT: Literal["birthmark-registry/1"] = "birthmark-registry/1"
SKETCH_FORMAT: Literal["birthmark-sketch/2"] = "birthmark-sketch/2"
LEAST_PROBES, MOST_PROBES = 20, 300
MAX_BYTES = 1 << 20
MAX_PARTS = 1000

Number = Annotated[int, Field(ge=-127, le=127, strict=True)]
Numbers = Annotated[list[Number], Field(min_length=WIDTH, max_length=WIDTH)]


def task_digest(probes: list[ProbeRecord]) -> str:
    """Digest of a task set: of its probes' pixel digests, in their order."""
    return sha256(*(f"{probe.pixels}\n".encode() for probe in probes))


class RegistryFile(BaseModel):
    """What `registry.json` holds.

    Attributes
    ----------
    task
        Digest of the task set. Sketches of the same one can be compared, in whatever registry
        they are.
    images
        The set that its probes were drawn from.
    seed
        Draws them.
    probes
        The probes, in order; they lie in `probes/`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["birthmark-registry/1"] = FORMAT
    task: Digest
    images: ImageSetRecord
    seed: int
    probes: list[ProbeRecord] = Field(min_length=LEAST_PROBES, max_length=MOST_PROBES)

    @model_validator(mode="after")
    def _of_these_probes(self) -> RegistryFile:
        if self.task != task_digest(self.probes):
            raise ValueError("the field task is not the digest of these probes")
        if len({probe.file for probe in self.probes}) < len(self.probes):
            raise ValueError("a probe's file is named twice")
        return self


class SketchFile(BaseModel):
    """What the `sketch.json` of a protected model holds.

    Attributes
    ----------
    task
        Digest of the task set that it was asked.
    fingerprint
        The seal of the fingerprint beside it.
    answers
        The sketch of all that the model answers.
    labels
        The sketch of its labels alone, for suspects that tell no more; None where it has none.
    weights
        The sketch of the weights in its file; None where it has none that can be read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["birthmark-sketch/2"] = SKETCH_FORMAT
    task: Digest
    fingerprint: Digest
    answers: Numbers
    labels: Numbers | None
    weights: Numbers | None


Document = TypeVar("Document", RegistryFile, SketchFile)


def read_document(file: Path, kind: type[Document]) -> Document:
    """Read one of them.

    Raises
    ------
    BirthmarkError
        If it is missing, too large, of another format, or not as it was written.
    """
    content = read_bytes(file, MAX_BYTES)
    fix = "get an unaltered copy" + (", or add it again" if kind is SketchFile else "")
    if not has_few_parts(content, MAX_PARTS):
        raise BirthmarkError(file, f"has over {MAX_PARTS} objects and lists", fix)
    try:
        read = kind.model_validate_json(content)
    except ValidationError as error:
        raise BirthmarkError(file, fault_of(error), fix) from error
    if not is_canonical(read, content):
        raise BirthmarkError(file, "is not written the way such files are", fix)
    return read
