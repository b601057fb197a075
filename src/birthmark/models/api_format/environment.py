"""Secrets of the environment, put in only when a call is sent, and never shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from birthmark.common.errors import BirthmarkError

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]{0,99})\}")
MAX_SECRET = 1 << 14


def resolved(text: str, source: str) -> str:
    """Text with each `${NAME}` replaced by that variable of the environment.

    Raises
    ------
    BirthmarkError
        If one is not set, or holds what no header can; its value is not told.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        found = os.environ.get(name)
        if not found:
            raise BirthmarkError(
                source,
                f"uses the environment variable {name}, which is not set",
                f"set it: export {name}=...",
            )
        if not found.isascii() or not found.isprintable() or len(found) > MAX_SECRET:
            raise BirthmarkError(
                source,
                f"uses the environment variable {name}, which holds more than plain characters",
                "set it without line breaks or other control characters",
            )
        return found

    return VARIABLE.sub(value, text)


def names_in(value: Any) -> tuple[str, ...]:
    """The names of the environment's variables in a JSON value's texts."""
    if isinstance(value, str):
        return tuple(VARIABLE.findall(value))
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, list | tuple):
        return tuple(name for inner in value for name in names_in(inner))
    return ()


def resolved_in(value: Any, source: str) -> Any:
    """A JSON value with the environment's variables in its texts.

    Raises
    ------
    BirthmarkError
        As `resolved`.
    """
    if isinstance(value, str):
        return resolved(value, source)
    if isinstance(value, Mapping):
        return {name: resolved_in(inner, source) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [resolved_in(inner, source) for inner in value]
    return value
