"""Recipes and disguises by name, with their parameters checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from birthmark.common.errors import BirthmarkError
from birthmark.zoo.disguises import DISGUISES, Disguise
from birthmark.zoo.plan import Scalar
from birthmark.zoo.recipes import RECIPES, Recipe

Model = TypeVar("Model", bound=BaseModel)


def is_disguise(name: str) -> bool:
    """Whether a recipe's name is a disguise's."""
    return any(plugin.pattern.fullmatch(name) for plugin in DISGUISES.plugins())


def keeps_network(name: str) -> bool:
    """Whether models of a recipe have their parent's network.

    Raises
    ------
    BirthmarkError
        If there is no such recipe.
    """
    return is_disguise(name) or RECIPES.make(name).keeps_network


def needs_parent(name: str) -> bool:
    """Whether models of a recipe start from another model, or learn another's answers."""
    return is_disguise(name) or RECIPES.make(name).needs_parent


def recipe(name: str, parameters: Mapping[str, Scalar]) -> Recipe:
    """Make a recipe.

    Raises
    ------
    BirthmarkError
        If it or a parameter is unknown, or a parameter's value is wrong.
    """
    return _made(RECIPES.make(name), f"recipe {name}", parameters)


def disguise(name: str, parameters: Mapping[str, Scalar]) -> Disguise:
    """Make a disguise.

    Raises
    ------
    BirthmarkError
        As for `recipe`.
    """
    return _made(DISGUISES.make(name), f"disguise {name}", parameters)


def require_fit(name: str, parameters: Mapping[str, Scalar], task: str) -> None:
    """Find out before any training that a recipe and its parameters are known and fit a task.

    Raises
    ------
    BirthmarkError
        If they do not.
    """
    if is_disguise(name):
        fits = not disguise(name, parameters).for_classes_only or task == "classes"
    else:
        fits = task in recipe(name, parameters).tasks
    if not fits:
        raise BirthmarkError(f"recipe {name}", f"is not for {task}", "remove the group")


def _made(kind: type[Model], subject: str, parameters: Mapping[str, Scalar]) -> Model:
    try:
        return kind.model_validate(dict(parameters))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        known = ", ".join(kind.model_fields) or "none"
        problem = "is unknown" if first["type"] == "extra_forbidden" else first["msg"]
        raise BirthmarkError(
            subject, f"parameter {field}: {problem}", f"its parameters are {known}"
        ) from error
