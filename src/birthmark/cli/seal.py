"""`birthmark seal`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import say


def seal(
    fingerprint: Annotated[Path, typer.Argument(help="A .birthmark file.")],
    json_: options.Json = False,
) -> None:
    """Print the digest to publish before any dispute (the same as sha256sum)."""
    from birthmark.fingerprint import Fingerprint

    digest = Fingerprint.open(fingerprint).seal
    say(json.dumps({"seal": digest}) if json_ else digest)
