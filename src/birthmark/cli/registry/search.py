"""`birthmark registry search`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import api, options


def search(
    registry: options.Registry,
    suspect: Annotated[
        str, typer.Argument(help="A model file or folder, module:function, an address, .api.toml.")
    ],
    alpha: Annotated[
        float,
        typer.Option(
            help="The rate at which an innocent model may be called derived from any of them."
        ),
    ] = 0.01,
    ledger: Annotated[
        Path | None, typer.Option(help="Where to keep the answers of a suspect behind an API.")
    ] = None,
    allow_env: api.AllowEnv = [],  # noqa: B006
    input_: options.Input = None,
    range_: options.Range = None,
    mean: options.Mean = None,
    std: options.Std = None,
    output: options.Output = None,
    layout: options.Layout = None,
    order: options.Order = None,
    json_: options.Json = False,
) -> None:
    """Audit a suspect with the fingerprints of the ten nearest models.

    The suspect is in effect compared with every model of the registry, so a verdict needs a smaller
    p-value than alpha; how small is printed.
    """
    from birthmark.cli.compare import print_comparison
    from birthmark.cli.terminal import print_json, progress_bar
    from birthmark.comparison import Comparison
    from birthmark.comparison.against import Against
    from birthmark.models.adapters.lookup import open_suspect
    from birthmark.models.remote import Access

    declared = options.declared(input_, range_, mean, std, output, layout, order)
    access = None if ledger is None else Access(ledger, environment=tuple(allow_env))
    against = Against.of(alpha, [], registry)
    with progress_bar(json_) as progress:
        opened = open_suspect(suspect, declared, access=access)
        found = against.meet(opened, progress, named=suspect)
    comparison = Comparison(alpha=alpha, rows=found.rows, maps=[], registry=against.models)
    if json_:
        print_json(comparison)
        return
    print_comparison(comparison)
