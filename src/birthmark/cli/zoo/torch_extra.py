"""Commands that need torch say so in one line where it is missing."""

from __future__ import annotations

from importlib.util import find_spec

from birthmark.common.errors import BirthmarkError


def require_torch(what: str = "birthmark zoo") -> None:
    """Find out whether torch is there.

    Raises
    ------
    BirthmarkError
        If it is not.
    """
    if find_spec("torch") is None:
        raise BirthmarkError(what, "needs torch", "run `pip install 'birthmark[torch]'`")
