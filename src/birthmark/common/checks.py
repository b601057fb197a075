"""What came of checking something, one thing after the other."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Check(BaseModel):
    """One thing that was checked.

    Attributes
    ----------
    name
        What.
    passed
        Whether it is as recorded or stated; None if it could not be checked.
    sentence
        What came of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    passed: bool | None
    sentence: str


class Checked(BaseModel):
    """What came of all checks.

    Attributes
    ----------
    checks
        All of them, in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    checks: list[Check]

    @property
    def passed(self) -> bool:
        """Whether nothing deviates; what could not be checked does not count."""
        return all(check.passed is not False for check in self.checks)
