"""`birthmark zoo plans`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import say


def plans(
    name: Annotated[
        str | None, typer.Argument(help="Print this plan's TOML, as a start for your own.")
    ] = None,
    json_: options.Json = False,
) -> None:
    """List the zoos you can build and where to get their images, or print a plan."""
    from birthmark.zoo.images.sources import SOURCES
    from birthmark.zoo.plan import names, open_plan, text_of

    if name is not None:
        plan = open_plan(name)
        shown = json.dumps(plan.model_dump(mode="json")) if json_ else text_of(name).rstrip("\n")
        say(shown)
        return

    listed = []
    for known in names():
        plan = open_plan(known)
        where = {
            source: SOURCES.make(source).where
            for source in (plan.images.source, plan.transfer.source, plan.foreign.source)
        }
        listed.append({"name": known, "about": plan.about, "images": where})
        if not json_:
            say(f"{known}: {plan.about}")
            for source, sentence in where.items():
                say(f"  {source}: {sentence}")
    if json_:
        print(json.dumps(listed))
