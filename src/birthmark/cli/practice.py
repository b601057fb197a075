"""`birthmark practice`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import say


def practice(
    out: Annotated[Path, typer.Argument(help="A new folder for models and images.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed for digits and models.")] = 0,
    json_: options.Json = False,
) -> None:
    """Make models to try everything on: a victim, references and suspects.

    They are ONNX files that recognise handwritten digits. Needs the extra `practice`.
    """
    from birthmark.cli.terminal import progress_bar
    from birthmark.demo.practice import write_practice

    with progress_bar(json_) as progress:
        write_practice(out, seed, progress)
    if json_:
        print(json.dumps({"written": str(out)}))
        return
    say(f"Wrote {out}: victim.onnx, references/, suspects/, images/ and birthmark.toml.")
    say("Enroll the victim:")
    say(
        f"  birthmark enroll --model {out}/victim.onnx --lineage one-layer --start random"
        f" --images {out}/images --references {out}/references -n 100 --out v.birthmark"
    )
