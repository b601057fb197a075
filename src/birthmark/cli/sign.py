"""`birthmark sign`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import say


def sign(
    audit: Annotated[Path, typer.Argument(help="The folder that `birthmark audit` wrote.")],
    fingerprint: Annotated[Path, typer.Option(help="The .birthmark file that was used.")],
    key: options.SigningKey,
    seal_published: options.SealPublished = None,
    time_stamp: options.TimeStamp = None,
    detached: options.Detached = False,
    json_: options.Json = False,
) -> None:
    """Sign an audit: add an evidence.json that lets anyone repeat it.

    Anyone who has the file can check it with `birthmark verify`. It encloses the fingerprint with
    its probes and the answers; --detached leaves these out.
    """
    from birthmark.cli.terminal import waiting
    from birthmark.evidence.folder import sign_audit

    with waiting("Recomputing the audit", json_):
        file, keyid = sign_audit(
            audit,
            fingerprint,
            key,
            seal_published=seal_published,
            time_stamp=time_stamp,
            detached=detached,
        )
    say(json.dumps({"evidence": str(file), "keyid": keyid}) if json_ else f"{file}: key {keyid}")
