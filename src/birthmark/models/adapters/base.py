"""The protocol of every adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
)

from birthmark.common.digests import Digest
from birthmark.common.errors import BirthmarkError, one_line
from birthmark.common.registry import Registry
from birthmark.data.images import Image, Progress
from birthmark.data.outputs import Kind, Outputs, joined
from birthmark.models.adapters.declaration import Declaration
from birthmark.models.remote.access import Access


class Description(BaseModel):
    """What is known of a model.

    Attributes
    ----------
    name
        How people call it: a file's name, never its folder.
    adapter
        Which adapter reached it.
    output
        What its answers are.
    digest
        Digest of its file or weights, where there is one.
    declaration
        How images are brought to it, where they are.
    lineage
        Its kind of architecture or training, if stated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    adapter: str = Field(max_length=100)
    output: Kind
    digest: Digest | None = None
    declaration: Declaration | None = None
    lineage: str | None = None

    def named(self, name: str | None) -> Description:
        """The same under another name, if there is one."""
        return self if name is None else Description.model_validate(dict(self) | {"name": name})

    @field_validator("name", "lineage", mode="after")
    @classmethod
    def _fit_to_show(cls, text: str | None) -> str | None:
        return None if text is None else one_line(text, 200)

    @field_validator("name", "lineage", mode="before")
    @classmethod
    def _unicode(cls, text: object) -> object:
        """A file's name need not be UTF-8."""
        return text.encode(errors="replace").decode() if isinstance(text, str) else text


class Suspect(Protocol):
    """A model seen from outside; the victim and the references are reached in the same way."""

    @property
    def description(self) -> Description:
        """What is known of it."""
        ...

    @property
    def batch(self) -> int | None:
        """How many images to ask about at a time; None for all at once."""
        ...

    def answer(self, images: Sequence[Image]) -> Outputs:
        """Answers to the images, in their order.

        Raises
        ------
        BirthmarkError
            If the model fails, or answers otherwise than declared.
        """
        ...


@dataclass(frozen=True)
class Answered:
    """What a suspect answered, where it may refuse.

    Attributes
    ----------
    outputs
        Answers to the images that were not refused, in their order.
    refused
        Positions of the images that were, and what the suspect said to each.
    """

    outputs: Outputs
    refused: Mapping[int, str] = field(default_factory=dict)

    @property
    def asked(self) -> int:
        """How many images it was asked about."""
        return len(self.outputs) + len(self.refused)

    @property
    def places(self) -> list[int]:
        """Positions of the images that were not refused."""
        return [i for i in range(self.asked) if i not in self.refused]

    def complete(self, name: str, images: Sequence[Image]) -> Outputs:
        """The answers to these images, of which none was refused.

        Raises
        ------
        BirthmarkError
            Naming the first that was.
        """
        if not self.refused:
            return self.outputs
        first = min(self.refused)
        raise BirthmarkError(
            name,
            f"refused {len(self.refused)} of {len(images)} images, first"
            f" {images[first].name}: {self.refused[first]}",
            "enroll with images that it answers",
        )


@runtime_checkable
class Refusing(Protocol):
    """A model that may refuse some images and answer the others."""

    def answer_some(self, images: Sequence[Image], progress: Progress) -> Answered:
        """Answers to the images that are not refused."""
        ...


class DryRun(BaseModel):
    """What asking would send and cost.

    Attributes
    ----------
    calls
        How many calls have yet to be sent.
    known
        How many answers the ledger holds already.
    cost
        Of these calls, at the stated price, if each succeeds at once.
    least_seconds
        How long they take at least at the stated rate; 0 without one.
    example
        The first call in words: method, address, names of headers, form and size of the body.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: int
    known: int
    cost: float
    least_seconds: float
    example: str


class LedgerRecord(BaseModel):
    """What a ledger holds of a suspect.

    Attributes
    ----------
    digest
        Of all records of it (`birthmark.models.remote.ledger.Ledger.digest`).
    calls
        How many were sent, failed ones and those of earlier runs included.
    in_doubt
        How many of these may not have arrived, since the audit or its machine was ended meanwhile;
        they were asked again. Left out if there are none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: Digest
    calls: int
    in_doubt: int = 0

    @model_serializer(mode="wrap")
    def _without_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        if not self.in_doubt:
            fields.pop("in_doubt", None)
        return fields


@runtime_checkable
class Recording(Protocol):
    """A model whose answers are kept in a ledger."""

    def ledger_record(self) -> LedgerRecord | None:
        """What the ledger holds of it; None if there is none yet."""
        ...


@runtime_checkable
class RemoteSuspect(Suspect, Protocol):
    """A model behind an API: asked once about each image, whatever happens in between."""

    def answer_some(self, images: Sequence[Image], progress: Progress) -> Answered:
        """Answers to the images that are not refused; what the ledger holds is not asked again.

        Raises
        ------
        BirthmarkError
            If the API fails too often, answers otherwise than declared, or a limit is reached;
            the answers until then are kept.
        """
        ...

    def again(self, time: int) -> RemoteSuspect:
        """The same suspect asked anew: its answers are kept apart from those of other times."""
        ...

    def dry_run(self, images: Sequence[Image]) -> DryRun:
        """What `answer_some` would send; nothing is sent."""
        ...


@runtime_checkable
class PairSuspect(Protocol):
    """A service that only says how alike two images are, or whether they match."""

    @property
    def description(self) -> Description:
        """What is known of it."""
        ...

    def against(self, references: Sequence[Image]) -> Suspect:
        """A suspect that answers an image with its similarity to each of these, (n, references)."""
        ...


def answered(model: Suspect, images: Sequence[Image]) -> Outputs:
    """A model's answers to all images, asked in its batches.

    Raises
    ------
    BirthmarkError
        If the model fails, or answers otherwise than declared.
    """
    step = model.batch or len(images)
    return joined([model.answer(images[i : i + step]) for i in range(0, len(images), step)])


@dataclass(frozen=True)
class Remote:
    """An adapter of models behind an API.

    Attributes
    ----------
    opened
        Takes the address or file, the declaration's fields, a lineage, and how it may be asked.
    """

    opened: Callable[[str, dict[str, Any], str | None, Access], Suspect | PairSuspect]


ADAPTERS: Registry[type[Suspect] | Remote] = Registry("adapter", "birthmark.models.adapters")
