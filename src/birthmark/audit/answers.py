"""Everything that a suspect answered, in one file: an audit can be repeated from it alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from birthmark.audit.repeats import Again, Time
from birthmark.common.errors import BirthmarkError, one_line
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters.base import Answered

MAX_HEADER = 1 << 20
FIX = "get an unaltered copy"
Shown = Annotated[str, AfterValidator(lambda text: one_line(text))]
"""Not the function itself: pydantic would pass it more than the text."""


@dataclass(frozen=True)
class Ran:
    """How a suspect's file was run.

    Attributes
    ----------
    unprotected
        Protections that the system lacked.
    beside
        Names of files beside it that it takes weights from.
    """

    unprotected: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @classmethod
    def of(cls, suspect: object) -> Ran:
        """What a suspect says of it, if it is a file."""
        return cls(*(tuple(getattr(suspect, name, ())) for name in ("unprotected", "beside")))


@dataclass(frozen=True)
class Recorded:
    """What a suspect answered.

    Attributes
    ----------
    given
        To the probes, and which of them it refused.
    again
        When some were asked again.
    ran
        How its file was run.
    """

    given: Answered
    again: Mapping[Time, Again] = field(default_factory=dict)
    ran: Ran = Ran()


class _Repeat(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    refused: int
    failed: Shown | None


class _Said(BaseModel):
    """What is no tensor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refused: dict[int, Shown]
    again: dict[Time, _Repeat]
    unprotected: tuple[Shown, ...] = ()
    beside: tuple[Shown, ...] = ()


def answers_bytes(recorded: Recorded) -> bytes:
    """What a suspect answered, as safetensors; the same input gives the same bytes.

    `values`, `refused` (positions of the probes that were, int64) where there are any, and
    `again/<time>/before` and `after`; kind and words are metadata.
    """
    given = recorded.given
    tensors: dict[str, NDArray[Any]] = {"values": given.outputs.values}
    if given.refused:
        tensors["refused"] = np.array(sorted(given.refused), dtype=np.int64)
    for time, again in recorded.again.items():
        tensors[f"again/{time}/before"] = again.before.values
        tensors[f"again/{time}/after"] = again.after.values
    said = _Said(
        refused=dict(sorted(given.refused.items())),
        again={
            time: _Repeat(refused=again.refused, failed=again.failed)
            for time, again in sorted(recorded.again.items())
        },
        **asdict(recorded.ran),
    )
    metadata = {"kind": given.outputs.kind.value}
    if given.refused or recorded.again or recorded.ran != Ran():
        metadata["said"] = said.model_dump_json(exclude_defaults=True)
    return safetensors.numpy.save(tensors, metadata=metadata)


def read_answers(data: bytes, source: str) -> Recorded:
    """What `answers_bytes` wrote.

    Raises
    ------
    BirthmarkError
        If it is something else.
    """
    try:
        metadata = _metadata(data)
        tensors = safetensors.numpy.load(data)
        said = _Said.model_validate_json(metadata.get("said", '{"refused":{},"again":{}}'))
        kind = Kind(metadata["kind"])
        outputs = Outputs.checked(tensors["values"], kind, source)
        again = {
            time: Again(
                Outputs.checked(tensors[f"again/{time}/before"], kind, source),
                Outputs.checked(tensors[f"again/{time}/after"], kind, source),
                one.refused,
                one.failed,
            )
            for time, one in said.again.items()
        }
    except (KeyError, ValueError, ValidationError, safetensors.SafetensorError) as error:
        raise BirthmarkError(source, f"is not a file of recorded answers ({error})", FIX) from error
    return Recorded(Answered(outputs, said.refused), again, Ran(said.unprotected, said.beside))


def _metadata(data: bytes) -> dict[str, str]:
    length = int.from_bytes(data[:8], "little")
    if length > MAX_HEADER:
        raise ValueError("the header is too long")
    try:
        header = json.loads(data[8 : 8 + length])
        metadata = dict(header["__metadata__"])
    except (TypeError, RecursionError) as error:
        raise ValueError("there is no header") from error
    return {str(name): str(value) for name, value in metadata.items()}
