"""Parameters of recipes and disguises, checked against the fields that they fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from birthmark.common.errors import BirthmarkError, fault_of
from birthmark.zoo.plan import Scalar

Model = TypeVar("Model", bound=BaseModel)


def of_parameters(kind: type[Model], subject: str, parameters: Mapping[str, Scalar]) -> Model:
    """Make what parameters are fields of.

    Raises
    ------
    BirthmarkError
        If a parameter is unknown, or its value is wrong.
    """
    try:
        return kind.model_validate(dict(parameters))
    except ValidationError as error:
        known = ", ".join(kind.model_fields) or "none"
        raise BirthmarkError(subject, fault_of(error), f"its parameters are {known}") from error
