"""A model of a zoo, as its plan has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from birthmark.zoo.plan import Part, Role, Scalar


@dataclass(frozen=True)
class Member:
    """A model of a zoo.

    Attributes
    ----------
    name
        `group/number`; the victim is `victim`.
    group, role, recipe
        As in the plan.
    parameters
        The recipe's, one value each.
    family
        Its network; the parent's where the recipe keeps the parent's network.
    seed
        Of its training.
    parent
        The model that it starts from or learns from, if any.
    data
        The images that it is trained on.
    start
        The checkpoint whose weights it begins with, if any.
    """

    name: str
    group: str
    role: Role
    recipe: str
    parameters: Mapping[str, Scalar]
    family: str
    seed: int
    parent: str | None
    data: Part
    start: str | None = None
