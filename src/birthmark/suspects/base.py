"""The protocol of every adapter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, field_validator

from birthmark.digests import Digest
from birthmark.errors import one_line
from birthmark.images import Image
from birthmark.outputs import Kind, Outputs, joined
from birthmark.registry import Registry
from birthmark.suspects.declaration import Declaration


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
    family
        Its kind of architecture or training, if stated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    adapter: str = Field(max_length=100)
    output: Kind
    digest: Digest | None = None
    declaration: Declaration | None = None
    family: str | None = None

    @field_validator("name", "family", mode="after")
    @classmethod
    def _fit_to_show(cls, text: str | None) -> str | None:
        return None if text is None else one_line(text, 200)

    @field_validator("name", "family", mode="before")
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


def answered(model: Suspect, images: Sequence[Image]) -> Outputs:
    """A model's answers to all images, asked in its batches.

    Raises
    ------
    BirthmarkError
        If the model fails, or answers otherwise than declared.
    """
    step = model.batch or len(images)
    return joined([model.answer(images[i : i + step]) for i in range(0, len(images), step)])


ADAPTERS: Registry[type[Suspect]] = Registry("adapter", "birthmark.suspects")
