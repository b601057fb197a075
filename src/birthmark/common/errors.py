"""The one error that a user is meant to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

MAX_FAULTS = 1000
"""Each that is told takes a kilobyte."""
LONGEST = 690
"""Characters of a message's three parts together."""


class BirthmarkError(Exception):
    """Something a user can mend, in one line: what it is about, what is wrong, how to mend it.

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


def one_line(text: str, limit: int = 600) -> str:
    """Make text from a hostile file fit to show: no control characters, not very long."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def first_fault(error: ValidationError) -> tuple[str, str]:
    """The field of the first fault, by the names that lead to it, and what is wrong there."""
    if error.error_count() > MAX_FAULTS:
        return "", f"has {error.error_count()} faults"
    first = error.errors(include_input=False, include_url=False)[0]
    return ".".join(map(str, first["loc"])), first["msg"]
