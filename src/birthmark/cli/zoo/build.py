"""`birthmark zoo build`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import note, progress_bar, say
from birthmark.cli.zoo.torch_extra import require_torch
from birthmark.common.errors import BirthmarkError

if TYPE_CHECKING:
    from birthmark.zoo.builder.work import Outcome


def build(
    plan: Annotated[str, typer.Argument(help="One of `birthmark zoo plans`, or a TOML file.")],
    data: Annotated[
        Path, typer.Option(help="The folder with a sub-folder for each set of images.")
    ],
    out: Annotated[Path, typer.Option(help="The zoo's folder; an unfinished one is continued.")],
    scale: Annotated[str, typer.Option(help="tiny, cpu or paper.")] = "cpu",
    workers: Annotated[int, typer.Option(min=1, help="Models to train at the same time.")] = 2,
    engine: Annotated[
        str, typer.Option(help="joblib, or ray for several machines that share the folder.")
    ] = "joblib",
    lineage: Annotated[
        list[str] | None,
        typer.Option(metavar="LINEAGE=NET", help="Another network: vgg=my_module:my_factory."),
    ] = None,
    json_: options.Json = False,
) -> None:
    """Train the models of a zoo that are not there yet.

    Prints a line for each model. If it is stopped, the same command continues. Exit code 2 if a
    model could not be made; the others are made all the same.
    """
    require_torch()
    from birthmark.zoo.builder import build_zoo
    from birthmark.zoo.plan import open_plan

    opened = open_plan(plan).scaled(scale).with_nets(_nets(lineage or []))
    began = time.monotonic()

    def told(outcome: Outcome) -> None:
        record = outcome.record
        if record is None:
            line = f"{outcome.name}: {outcome.failure}"
        else:
            like = "" if record.fidelity is None else f", fidelity {record.fidelity:.3f}"
            right = "AUC" if record.kind == "embeddings" else "accuracy"
            line = f"{record.name}: {right} {record.accuracy:.3f}{like}, {record.seconds:.0f} s"
        if not json_:
            note(line)

    with progress_bar(json_) as progress:
        built = build_zoo(
            opened, data, out, workers=workers, engine=engine, progress=progress, told=told
        )
    minutes = round((time.monotonic() - began) / 60, 2)
    if json_:
        facts = {"models": len(built.records), "trained": len(built.trained), "minutes": minutes}
        missing = {"failures": built.failures, "skipped": built.skipped}
        print(json.dumps(facts | missing | {"out": str(out)}))
    else:
        say(
            f"{len(built.records)} models in {out}, {len(built.trained)} of them new,"
            f" in {minutes:.1f} minutes."
        )
        for name, why in built.failures.items():
            say(f"Not made: {name}: {why}")
        if built.skipped:
            say(f"Not tried, since they need one of these: {len(built.skipped)} models")
    if built.failures:
        raise typer.Exit(2)


def _nets(pairs: list[str]) -> dict[str, str]:
    nets = {}
    for pair in pairs:
        lineage, equals, net = pair.partition("=")
        if not equals:
            raise BirthmarkError("--lineage", f"is {pair!r}", "write it as vgg=module:function")
        nets[lineage] = net
    return nets
