"""Recipes by name, with their parameters checked; a disguise counts as one."""

from __future__ import annotations

from collections.abc import Mapping

from birthmark.common.errors import BirthmarkError
from birthmark.zoo.disguises import disguise_of, is_disguise
from birthmark.zoo.plan import Scalar
from birthmark.zoo.plan.parameters import of_parameters
from birthmark.zoo.recipes.base import RECIPES, Recipe


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


def recipe_of(name: str, parameters: Mapping[str, Scalar]) -> Recipe:
    """Make a recipe.

    Raises
    ------
    BirthmarkError
        If it or a parameter is unknown, or a parameter's value is wrong.
    """
    return of_parameters(RECIPES.make(name), f"recipe {name}", parameters)


def require_fit(name: str, parameters: Mapping[str, Scalar], task: str) -> None:
    """Find out before any training that a recipe and its parameters are known and fit a task.

    Raises
    ------
    BirthmarkError
        If they do not.
    """
    if is_disguise(name):
        fits = not disguise_of(name, parameters).for_classes_only or task == "classes"
    else:
        fits = task in recipe_of(name, parameters).tasks
    if not fits:
        raise BirthmarkError(f"recipe {name}", f"is not for {task}", "remove the group")
