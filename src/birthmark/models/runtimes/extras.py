"""Libraries that only an extra brings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from birthmark.common.errors import BirthmarkError


@contextmanager
def extra(name: str, path: Path) -> Iterator[None]:
    """Say which extra to install if an import in the block fails.

    Raises
    ------
    BirthmarkError
        If a library is missing.
    """
    try:
        yield
    except ImportError as error:
        raise BirthmarkError(
            path,
            f"needs {error.name or 'a library'}, which cannot be imported ({error})",
            f"pip install 'birthmark[{name}]'",
        ) from error
