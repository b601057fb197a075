"""`birthmark drift`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import api, options


def drift(
    fingerprint: Annotated[Path, typer.Argument(help="The .birthmark file of your model.")],
    model: Annotated[
        str, typer.Option(help="Where it runs: a model file or folder, module:function or an API.")
    ],
    input_: options.Input = None,
    range_: options.Range = None,
    mean: options.Mean = None,
    std: options.Std = None,
    output: options.Output = None,
    layout: options.Layout = None,
    order: options.Order = None,
    ledger: api.Ledger = None,
    max_calls: api.MaxCalls = None,
    price: api.Price = None,
    max_cost: api.MaxCost = None,
    concurrency: api.Concurrency = None,
    rate: api.Rate = None,
    timeout: api.Timeout = None,
    attempts: api.Attempts = None,
    allow_env: api.AllowEnv = [],  # noqa: B006
    json_: options.Json = False,
) -> None:
    """Check that a provider still serves the model you enrolled.

    Asks the fingerprint's probes again and compares every answer; exit code 3 if any changed. An
    API is asked again only with a new --ledger. Where only labels are answered, enroll with
    --method agreement@boundary1: images near a border tell a change sooner.
    """
    from birthmark.cli.terminal import DEVIATES, print_json, progress_bar, say
    from birthmark.fingerprint import Fingerprint
    from birthmark.models.adapters.lookup import open_suspect
    from birthmark.witnesses.drift import drift as compared

    opened = Fingerprint.open(fingerprint)
    declared = options.declared(input_, range_, mean, std, output, layout, order)
    stated = api.stated(
        ledger, max_calls, price, max_cost, concurrency, rate, timeout, attempts, allow_env
    )
    access = api.access_of([model], fingerprint.with_suffix(".drift.ledger"), stated)
    asked = open_suspect(model, declared, access=access)
    with api.kept(asked), progress_bar(json_) as progress:
        found = compared(opened.bundle, asked, progress)
    if json_:
        print_json(found)
    else:
        say(found.sentence)
    if not found.equal:
        raise typer.Exit(DEVIATES)
