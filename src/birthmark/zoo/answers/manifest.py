"""What an answers file says of itself."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from birthmark.common.digests import Digest
from birthmark.zoo.models.record import Record
from birthmark.zoo.plan import Plan

FORMAT: Literal["birthmark-answers/1"] = "birthmark-answers/1"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(_Section):
    """Probes of one method.

    Attributes
    ----------
    method
        The probe method's name.
    labels
        True classes, None where a probe has none.
    pixels
        Digest of all probes' pixel digests, in their order.
    """

    method: str
    labels: list[int | None]
    pixels: Digest


class Packed(_Section):
    """Where a model's numbers begin among all, and what they mean: lowest + step * number."""

    begins: int = Field(ge=0)
    lowest: float
    step: float


class Manifest(_Section):
    """What an answers file says of itself.

    Attributes
    ----------
    plan
        The zoo's plan, with its scale.
    records
        All models.
    packed
        Of the models whose answers are stored; of others they follow from the parent's.
    asked
        The probes.
    left_out
        Methods whose probes could not be made of this zoo, and why.
    made
        Versions and machine.
    data
        Digests of the zoo's images.
    values
        Digest of all numbers.
    """

    format: Literal["birthmark-answers/1"] = FORMAT
    plan: Plan
    records: list[Record]
    packed: dict[str, Packed]
    asked: list[Asked]
    left_out: dict[str, str] = {}
    made: dict[str, str]
    data: dict[str, Digest]
    values: Digest
