"""Reading TOML of strangers within bounds."""

from __future__ import annotations

import tomllib
from typing import Any

from birthmark.errors import BirthmarkError

MAX_LINE = 1000
"""A key of many parts, which takes time with the square of its length, is on one line."""


def toml_of(data: bytes, source: object, limit: int) -> dict[str, Any]:
    """The fields of a TOML file.

    Parameters
    ----------
    data
        Its bytes.
    source
        How messages call it.
    limit
        The most bytes it may have.

    Raises
    ------
    BirthmarkError
        If it is none, too large, or nested too deeply.
    """
    if len(data) > limit:
        raise BirthmarkError(source, f"is over {limit >> 10} KiB", "leave out what is not needed")
    try:
        text = data.decode()
        if max(map(len, text.split("\n"))) > MAX_LINE:
            raise BirthmarkError(
                source, f"has a line of over {MAX_LINE} characters", "break it into several"
            )
        return tomllib.loads(text)
    except RecursionError as error:
        raise BirthmarkError(source, "is nested too deeply", "mend it") from error
    except ValueError as error:  # of broken UTF-8, broken TOML and endless numbers
        raise BirthmarkError(source, f"is not TOML ({error})", "mend it") from error
