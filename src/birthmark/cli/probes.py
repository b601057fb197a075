"""`birthmark probes`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import say


def probes(
    fingerprint: Annotated[Path, typer.Argument(help="A .birthmark file.")],
    out: Annotated[Path, typer.Option(help="A new folder for the probes.")],
    json_: options.Json = False,
) -> None:
    """Write the probes as image files, to ask a suspect by hand.

    If you can only query a suspect manually, record the answers in a CSV file with a column `probe`
    (the file's name) and a column for each number, and audit that.
    """
    from birthmark.common.files import whole_folder
    from birthmark.fingerprint import Fingerprint

    opened = Fingerprint.open(fingerprint)
    with whole_folder(out) as folder:
        for probe in opened.probes:
            (folder / probe.name).write_bytes(probe.data)
    count = len(opened.probes)
    say(json.dumps({"probes": count, "out": str(out)}) if json_ else f"Wrote {count} to {out}.")
