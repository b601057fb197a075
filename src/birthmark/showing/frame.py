"""Rows as a pandas table, where pandas is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from birthmark.common.errors import BirthmarkError


def frame(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A `pandas.DataFrame` of these rows.

    Raises
    ------
    BirthmarkError
        If pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise BirthmarkError("to_frame()", "needs pandas", "run `pip install pandas`") from error
    return pandas.DataFrame(list(rows))
