"""`birthmark shuffled`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import api, options
from birthmark.cli.download import AllowDownload, fetch
from birthmark.cli.terminal import print_json, print_testimony, progress_bar
from birthmark.common.errors import BirthmarkError


def shuffled(
    plan: Annotated[
        Path, typer.Argument(help="The plan that `birthmark split` wrote, or its folder.")
    ],
    images: Annotated[Path, typer.Option(help="The images that were split.")],
    suspect: Annotated[
        str, typer.Option(help="The suspect: a model file or folder, module:function, or an API.")
    ],
    references: Annotated[
        list[str],
        typer.Option(help="Models trained without the split; three make the test far sharper."),
    ] = [],  # noqa: B006
    most: Annotated[
        int | None, typer.Option(help="How many images to ask about (default: all).")
    ] = None,
    alpha: Annotated[float, typer.Option(help="The false-positive rate to accept.")] = 0.01,
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
    allow_download: AllowDownload = False,
    json_: options.Json = False,
) -> None:
    """Test whether a suspect knows which images your model was trained on.

    Needs the sealed plan of `birthmark split`. The p-value is exact without references; with
    some the test is sharper.
    """
    from birthmark.data.images import ImageSet
    from birthmark.models.adapters.lookup import open_all, open_suspect
    from birthmark.witnesses.shuffled.plan import read_plan
    from birthmark.witnesses.shuffled.witness import shuffled as asked

    if not 0 < alpha < 1:
        raise BirthmarkError("--alpha", f"is {alpha}", "pass a rate between 0 and 1, such as 0.01")
    if most is not None and most < 1:
        raise BirthmarkError("--most", f"is {most}", "pass 1 or more")
    declared = options.declared(input_, range_, mean, std, output, layout, order)
    stated = api.stated(
        ledger, max_calls, price, max_cost, concurrency, rate, timeout, attempts, allow_env
    )
    access = api.access_of([suspect, *references], plan.with_name(f"{plan.name}.ledger"), stated)
    drawn = read_plan(plan)
    fetch(allow_download, suspect, *references)
    with progress_bar(json_) as progress:
        model = open_suspect(suspect, declared, access=access)
        with api.kept(model):
            said = asked(
                drawn,
                ImageSet.open(images, progress),
                model,
                open_all(references, declared, access),
                alpha=alpha,
                most=most,
                progress=progress,
            )
    print_json(said) if json_ else print_testimony(said)
