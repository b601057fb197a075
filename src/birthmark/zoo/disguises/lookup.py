"""Disguises by name, with their parameters checked."""

from __future__ import annotations

from collections.abc import Mapping

from birthmark.zoo.disguises.base import DISGUISES, Disguise
from birthmark.zoo.plan import Scalar
from birthmark.zoo.plan.parameters import of_parameters


def is_disguise(name: str) -> bool:
    """Whether a recipe's name is a disguise's."""
    return any(plugin.pattern.fullmatch(name) for plugin in DISGUISES.plugins())


def disguise_of(name: str, parameters: Mapping[str, Scalar]) -> Disguise:
    """Make a disguise.

    Raises
    ------
    BirthmarkError
        If it or a parameter is unknown, or a parameter's value is wrong.
    """
    return of_parameters(DISGUISES.make(name), f"disguise {name}", parameters)
