"""Docstrings that describe several names at once: their reader gives all the type of the first."""

from __future__ import annotations

import re
from typing import Any

import griffe

GROUP = re.compile(r"^(\w+(?:, \w+)+)\n((?: +.*\n?|\n(?= ))+)", re.MULTILINE)


class Groups(griffe.Extension):
    """Writes `a, b` and its description out for each."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of what was read."""
        if obj.docstring is not None:
            obj.docstring.value = GROUP.sub(_apart, obj.docstring.value)


def _apart(match: re.Match[str]) -> str:
    names, said = match.groups()
    said = said if said.endswith("\n") else f"{said}\n"
    return "".join(f"{name}\n{said}" for name in names.split(", "))
