"""`birthmark serve`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import say
from birthmark.common.errors import BirthmarkError


def serve(
    model: Annotated[str, typer.Argument(help="The model: a file, or module:function.")],
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 picks a free one and prints it.")
    ] = 0,
    name: Annotated[str, typer.Option(help="What clients call the model.")] = "model",
    threshold: Annotated[
        float, typer.Option(help="The similarity at which two images match.")
    ] = 0.5,
    top: Annotated[int, typer.Option(min=1, help="How many labels /v1/classify returns.")] = 5,
    latency: Annotated[
        float, typer.Option(min=0, max=60_000, help="Milliseconds to delay each answer by.")
    ] = 0,
    fail: Annotated[
        float, typer.Option(min=0, max=1, help="The share of calls to fail on purpose.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Seed for which calls fail.")] = 0,
    input_: options.Input = None,
    range_: options.Range = None,
    mean: options.Mean = None,
    std: options.Std = None,
    output: options.Output = None,
    layout: options.Layout = None,
    order: options.Order = None,
) -> None:
    """Serve a model over HTTP, to try out an audit of an API.

    Speaks the Open Inference Protocol (/v2) and imitates face and label services (/v1/compare,
    /v1/classify); /stats counts the calls. Stop it with Ctrl-C.
    """
    _require_extra()
    import re
    from socket import gethostname

    from birthmark.models.adapters.lookup import open_suspect
    from birthmark.serving.app import application
    from birthmark.serving.model import Served
    from birthmark.serving.open_inference import FILES
    from birthmark.serving.server import address, listening, server

    if not re.fullmatch(r"[\w.-]{1,100}", name):
        raise BirthmarkError("--name", f"is {name!r}", "use letters, digits, '.', '-' and '_'")
    declared = options.declared(input_, range_, mean, std, output, layout, order)
    served = Served(open_suspect(model, declared), name, threshold=threshold, top=top)
    app = application(
        served, latency=latency / 1000, fail=fail, seed=seed, hosts=[host, gethostname()]
    )
    with listening(host, port) as one:
        say(
            f"Serving {model} at {address(one)}/v2/models/{name} (numbers) and .../{name}{FILES}"
            " (image files); Ctrl-C stops"
        )
        try:
            server(app).run(sockets=[one])
        except KeyboardInterrupt:
            raise KeyboardInterrupt("stopped serving") from None


def _require_extra() -> None:
    for package in ("fastapi", "uvicorn", "multipart"):
        if find_spec(package) is None:
            raise BirthmarkError(
                "birthmark serve", f"needs {package}", "run `pip install 'birthmark[serve]'`"
            )
