"""`birthmark sign`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import say


def sign(
    audit: Annotated[Path, typer.Argument(help="The folder that an audit left.")],
    fingerprint: Annotated[Path, typer.Option(help="The .birthmark file that was audited with.")],
    key: options.SigningKey,
    seal_published: options.SealPublished = None,
    time_stamp: options.TimeStamp = None,
    detached: options.Detached = False,
    json_: options.Json = False,
) -> None:
    """Sign an audit: write evidence.json into its folder, with all that it takes to repeat it.

    Whoever gets the file can check it by `birthmark verify`. It encloses the fingerprint, probes
    included; --detached leaves these out.
    """
    from birthmark.cli.terminal import waiting
    from birthmark.evidence.folder import sign_audit

    with waiting("Computing the audit again", json_):
        file, keyid = sign_audit(
            audit,
            fingerprint,
            key,
            seal_published=seal_published,
            time_stamp=time_stamp,
            detached=detached,
        )
    say(json.dumps({"evidence": str(file), "keyid": keyid}) if json_ else f"{file}: key {keyid}")
