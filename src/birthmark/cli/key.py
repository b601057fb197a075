"""`birthmark key`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import say


def key(
    file: Annotated[Path, typer.Argument(help="Where to write the key, such as owner.key.")],
    json_: options.Json = False,
) -> None:
    """Make an Ed25519 key that signs evidence, with its public half (.pub).

    Set BIRTHMARK_PASSPHRASE to encrypt it. Publish the public half where others know it is yours.
    """
    from birthmark.evidence.keys import new_key, public_path

    keyid = new_key(file)
    if json_:
        print(json.dumps({"key": str(file), "public": str(public_path(file)), "keyid": keyid}))
        return
    say(f"{file}: keep it secret\n{public_path(file)}: publish it\nkey {keyid}")
