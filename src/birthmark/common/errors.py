"""The one error that a user is meant to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from birthmark.common.speech import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel, ValidationError

MAX_FAULTS = 1000
"""Each that is told takes a kilobyte."""
LONGEST = 690
"""Characters of a message's three parts together."""


class BirthmarkError(Exception):
    """Something a user can fix, in one line: what it is about, what is wrong, how to fix it.

    Options are written as for a command; `str` names the arguments of Python where none runs.

    Parameters
    ----------
    subject
        The file, field, option or model that is wrong.
    problem
        What was seen.
    fix
        What to do about it.
    """

    def __init__(self, subject: object, problem: str, fix: str) -> None:
        self.problem = one_line(problem, 300)
        self.fix = one_line(fix, 200)
        self.subject = one_line(str(subject), LONGEST - len(self.problem) - len(self.fix))
        super().__init__(f"{self.subject}: {self.problem}; {self.fix}")

    def __reduce__(self) -> tuple[type[BirthmarkError], tuple[str, str, str]]:
        return type(self), (self.subject, self.problem, self.fix)

    def __str__(self) -> str:
        return told(f"{self.subject}: {self.problem}; {self.fix}")


def one_line(text: str, limit: int = 600) -> str:
    """Make text from a hostile file fit to show: no control characters, not very long."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def fault_of(error: ValidationError, kind: type[BaseModel] | None = None) -> str:
    """The first fault in plain words, such as `missing field a.b` or `a.b should be a number`.

    Parameters
    ----------
    error
        What pydantic found.
    kind
        The document's class, where it is TOML: a field that is a table is then called a section.
    """
    return next(faults(error, kind))


def faults(error: ValidationError, kind: type[BaseModel] | None = None) -> Iterator[str]:
    """All faults in plain words, as `fault_of`."""
    if error.error_count() > MAX_FAULTS:
        yield f"has {error.error_count()} faults"
        return
    for one in error.errors(include_input=False, include_url=False):
        where = ".".join(map(str, one["loc"]))
        said = one["msg"].removeprefix("Value error, ")
        if one["type"] == "missing":
            yield (
                f"missing section [{where}]"
                if _is_section(kind, where)
                else f"missing field {where}"
            )
        elif one["type"] == "extra_forbidden":
            yield f"unknown field {where}"
        elif one["type"] == "model_type" and _is_section(kind, where):
            yield f"{where} should be a section: write [{where}] on a line of its own"
        elif said.startswith("Input should be "):
            yield f"{where} {said.removeprefix('Input ')}".strip()
        else:
            yield f"{where}: {said}" if where else said


def _is_section(kind: type[BaseModel] | None, name: str) -> bool:
    field = kind.model_fields.get(name) if kind else None
    return hasattr(getattr(field, "annotation", None), "model_fields")
