"""`birthmark registry new`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options


def new(
    registry: Annotated[
        str, typer.Argument(help="A new folder, or an address such as s3://bucket/r.")
    ],
    images: Annotated[
        Path, typer.Option(help="Public images of the models' task: a folder, .parquet or .npz.")
    ],
    n: Annotated[
        int, typer.Option("-n", help="How many of them every model is asked about.")
    ] = 100,
    seed: Annotated[int, typer.Option(help="Draws them.")] = 0,
    resize: options.Resize = None,
    json_: options.Json = False,
) -> None:
    """Make a registry: draw the images that all models are asked about (the task set)."""
    from birthmark.cli.terminal import print_facts, print_json, progress_bar
    from birthmark.data.images import ImageSet
    from birthmark.registry import new_registry

    with progress_bar(json_) as progress:
        made = new_registry(
            registry, ImageSet.open(images, progress), n, seed, options.sides(resize)
        )
    if json_:
        print_json(made.about)
        return
    print_facts({"Registry": registry, "Task set": f"{n} images", "Digest": made.about.task})
