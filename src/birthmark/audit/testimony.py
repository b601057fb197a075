"""What a witness says beside the resemblance of answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from birthmark.common.digests import Digest


class Testimony(BaseModel):
    """What one witness says; the verdict's rule weighs it with the others.

    Attributes
    ----------
    witness
        Which.
    sentence
        What it says, in a sentence or two.
    p_value
        How often it says as much of an innocent, at most; None if it can say nothing.
    exact
        Whether that holds by how the owner or training drew at random, without more.
    measured
        What was counted or computed.
    assumes
        What the p-value rests on.
    cannot_tell
        What it does not show.
    sources
        Digests of the files that it was computed from, by what they are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    witness: Literal["weights", "shuffled"]
    sentence: str
    p_value: float | None = Field(ge=0, le=1)
    exact: bool
    measured: list[str]
    assumes: list[str]
    cannot_tell: list[str]
    sources: dict[str, Digest]
