"""`birthmark zoo plans`."""

from __future__ import annotations

import json

from birthmark.cli import options


def plans(json_: options.Json = False) -> None:
    """List the zoos that can be built, and where to get their images."""
    from birthmark.zoo.plan import names, open_plan
    from birthmark.zoo.sources import SOURCES

    listed = []
    for name in names():
        plan = open_plan(name)
        where = {
            source: SOURCES.make(source).where
            for source in (plan.images.source, plan.transfer.source, plan.foreign.source)
        }
        listed.append({"name": name, "about": plan.about, "images": where})
        if not json_:
            print(f"{name}: {plan.about}")
            for source, sentence in where.items():
                print(f"  {source}: {sentence}")
    if json_:
        print(json.dumps(listed))
