"""Plans as files: those that come with the package, and the user's own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from birthmark.common.errors import BirthmarkError, fault_of
from birthmark.common.tomls import toml_of
from birthmark.data.images import read_bytes
from birthmark.zoo.plan.plan import Plan

MAX_FILE = 1 << 18


def names() -> list[str]:
    """Names of the plans that come with the package."""
    return sorted(
        file.name.removesuffix(".toml")
        for file in files("birthmark.zoo.plan").joinpath("plans").iterdir()
        if file.name.endswith(".toml")
    )


def open_plan(name: str) -> Plan:
    """Read a plan that comes with the package, or a TOML file.

    Raises
    ------
    BirthmarkError
        If there is none, or a field is wrong.
    """
    return checked(toml_of(text_of(name).encode(), name, MAX_FILE), name)


def text_of(name: str) -> str:
    """The text of a plan that comes with the package, or of a file.

    Raises
    ------
    BirthmarkError
        If there is none.
    """
    if name in names():
        return files("birthmark.zoo.plan").joinpath("plans", f"{name}.toml").read_text()
    if Path(name).is_file():
        return read_bytes(Path(name)).decode(errors="replace")
    raise BirthmarkError(
        f"plan {name!r}", "is not known", f"name a TOML file or one of {', '.join(names())}"
    )


def checked(fields: dict[str, Any], source: str) -> Plan:
    """Check the fields of a plan.

    Raises
    ------
    BirthmarkError
        If one is wrong; it is named.
    """
    try:
        return Plan.model_validate(fields)
    except ValidationError as error:
        place = error.errors()[0]["loc"]
        group = ""
        if len(place) > 1 and place[0] == "groups" and isinstance(place[1], int):
            named = fields["groups"][place[1]]
            group = f"group {named.get('name', '')!r}: " if isinstance(named, dict) else ""
        raise BirthmarkError(
            source,
            f"{group}{fault_of(error, Plan)}",
            "compare with a plan that works: birthmark zoo plans NAME",
        ) from error
