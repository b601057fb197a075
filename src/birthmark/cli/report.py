"""`birthmark report`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import say
from birthmark.common.errors import BirthmarkError


def report(
    audit: Annotated[Path, typer.Argument(help="The folder that `birthmark audit` wrote.")],
    fingerprint: Annotated[Path, typer.Option(help="The .birthmark file that was audited.")],
    classes: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Names of the victim's classes, in order.")
    ] = None,
    pdf: options.Pdf = False,
    json_: options.Json = False,
) -> None:
    """Write an audit's report again, without asking the suspect.

    Distances and p-value are recomputed from the answers and must match result.json. Replaces
    report.html in the folder.
    """
    from birthmark.cli.terminal import waiting
    from birthmark.fingerprint import Fingerprint
    from birthmark.report.folder import read_audit, write_report
    from birthmark.report.pdf import require_pdf

    if pdf:
        require_pdf()
    opened = Fingerprint.open(fingerprint)
    with waiting("Recomputing the audit", json_):
        audited = read_audit(opened.bundle, opened.seal, audit)
    names = None if classes is None else [name.strip() for name in classes.split(",")]
    if names is not None and not len(set(names)) == len(names) == opened.bundle.victim.classes:
        raise BirthmarkError(
            "--classes",
            f"names {len(set(names))} classes, but the victim has {opened.bundle.victim.classes}",
            "name each once, in order",
        )
    with waiting("Writing the report", json_):
        written = write_report(opened.bundle, audited, audit, classes=names, pdf=pdf)
    if json_:
        print(json.dumps({"written": [str(path) for path in written]}))
        return
    for path in written:
        say(path)
