"""`birthmark registry list`."""

from __future__ import annotations

import json

from birthmark.cli import options


def list_(
    registry: options.Registry,
    json_: options.Json = False,
) -> None:
    """List a registry's models, and which of them can't be searched."""
    from birthmark.cli.terminal import say
    from birthmark.registry import open_registry

    opened = open_registry(registry)
    if json_:
        said = {"task": opened.about.task, "models": opened.models, "left_out": opened.problems}
        print(json.dumps(said))
        return
    say(*opened.models)
    say(f"{len(opened.models)} models can be searched; the task set is {opened.about.task}")
    for name, why in opened.problems.items():
        say(f"Left out: {name}: {why}")
