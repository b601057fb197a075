"""Reading TOML of strangers within bounds."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from birthmark.common.errors import BirthmarkError

MAX_PARTS = 64
"""tomllib takes time with the square of the number of parts of a key."""
_PART = r"""(?:"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'|[A-Za-z0-9_-]++)[ \t]*+\.[ \t]*+"""
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_PART}){{{MAX_PARTS}}}")


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
        raise BirthmarkError(source, f"is over {limit >> 10} KiB", "shorten it")
    try:
        text = data.decode()
        if _LONG_KEY.search(text):
            raise BirthmarkError(source, f"has a key of over {MAX_PARTS} parts", "shorten it")
        return tomllib.loads(text)
    except RecursionError as error:
        raise BirthmarkError(source, "is nested too deeply", "nest it less") from error
    except ValueError as error:  # of broken UTF-8, broken TOML and endless numbers
        raise BirthmarkError(source, f"is not TOML ({error})", "fix it there") from error
