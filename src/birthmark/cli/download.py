"""`--allow-download`: the only way by which a command fetches a model."""

from __future__ import annotations

from typing import Annotated

import typer

AllowDownload = Annotated[
    bool,
    typer.Option(
        "--allow-download", help="Download models named hf:owner/name that are not in the cache."
    ),
]


def fetch(allowed: bool, *specs: str) -> None:
    """Fetch the repositories among these, if that is allowed.

    Raises
    ------
    BirthmarkError
        If one cannot be fetched.
    """
    from birthmark.models.adapters.hub import download

    for spec in specs if allowed else ():
        if spec.startswith("hf:"):
            download(spec)
