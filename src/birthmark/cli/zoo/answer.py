"""`birthmark zoo answer`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import progress_bar, say
from birthmark.cli.zoo.torch_extra import require_torch


def answer(
    zoo: Annotated[Path, typer.Argument(help="A zoo's folder.")],
    out: Annotated[Path, typer.Option(help="The .answers file to write.")],
    workers: Annotated[int, typer.Option(min=1, help="Models to ask at the same time.")] = 2,
    json_: options.Json = False,
) -> None:
    """Ask every model of a zoo the plan's probes, and keep the answers in one file."""
    require_torch()
    from birthmark.common.files import require_writable
    from birthmark.zoo.answers.survey import answer_zoo

    require_writable(out)
    with progress_bar(json_) as progress:
        manifest = answer_zoo(zoo, out, workers, progress)
    probes = sum(len(asked.labels) for asked in manifest.asked)
    facts = {
        "models": len(manifest.records),
        "probes": probes,
        "mib": round(out.stat().st_size / 2**20, 2),
        "left_out": manifest.left_out,
        "out": str(out),
    }
    if json_:
        print(json.dumps(facts))
    else:
        say(f"{facts['models']} models' answers to {probes} probes in {out}, {facts['mib']} MiB.")
        for name, why in manifest.left_out.items():
            say(f"Left out, since this zoo can't make them: {name} probes ({why})")
