"""The protocol of every adapter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from birthmark.digests import Digest
from birthmark.images import Image
from birthmark.outputs import Kind, Outputs
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

    name: str = Field(max_length=1000)
    adapter: str = Field(max_length=100)
    output: Kind
    digest: Digest | None = None
    declaration: Declaration | None = None
    family: str | None = Field(default=None, max_length=200)


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


ADAPTERS: Registry[type[Suspect]] = Registry("adapter", "birthmark.suspects")
