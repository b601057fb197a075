"""Parameters of recipes and disguises, checked against the fields that they fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from birthmark.common.errors import BirthmarkError
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
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        known = ", ".join(kind.model_fields) or "none"
        problem = "is unknown" if first["type"] == "extra_forbidden" else first["msg"]
        raise BirthmarkError(
            subject, f"parameter {field}: {problem}", f"its parameters are {known}"
        ) from error
