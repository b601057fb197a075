"""`birthmark registry add`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options


def add(
    registry: options.Registry,
    fingerprint: Annotated[Path, typer.Argument(help="A .birthmark file.")],
    model: Annotated[str, typer.Option(help="The model it was made from.")],
    input_: options.Input = None,
    range_: options.Range = None,
    mean: options.Mean = None,
    std: options.Std = None,
    output: options.Output = None,
    layout: options.Layout = None,
    order: options.Order = None,
    json_: options.Json = False,
) -> None:
    """Add a protected model: ask it the task set, and keep a sketch of its answers and weights."""
    from birthmark.cli.terminal import say
    from birthmark.models.adapters.lookup import open_suspect
    from birthmark.registry import open_registry
    from birthmark.registry.weights_sketch import sketch_of_file

    declared = options.declared(input_, range_, mean, std, output, layout, order)
    opened = open_suspect(model, declared)
    weights, unread = sketch_of_file(model)
    name = open_registry(registry).add(fingerprint, opened, weights)
    if json_:
        say(json.dumps({"name": name, "weights": weights is not None}))
        return
    say(f"Added as {name}" + (", with a sketch of its weights." if weights is not None else "."))
    if unread is not None:
        say(f"No sketch of its weights: {unread}")
