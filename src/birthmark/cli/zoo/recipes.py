"""`birthmark zoo recipes`."""

from __future__ import annotations

import json

from birthmark.cli import options
from birthmark.cli.terminal import say
from birthmark.cli.zoo.torch_extra import require_torch


def recipes(json_: options.Json = False) -> None:
    """List recipes and disguises with their parameters and defaults."""
    require_torch()
    from birthmark.zoo.disguises import DISGUISES
    from birthmark.zoo.recipes import RECIPES

    listed = []
    for what, registry in (("recipe", RECIPES), ("disguise", DISGUISES)):
        for plugin in registry.plugins():
            kind = plugin.make()
            about = (kind.__doc__ or "").partition("\n\n")[0]
            parameters = {name: field.default for name, field in kind.model_fields.items()}
            listed.append(
                {"name": plugin.example, "is": what, "about": about, "parameters": parameters}
            )
            if not json_:
                say(f"{plugin.example} ({what}): {' '.join(about.split())}")
                for name, default in parameters.items():
                    usual = "the plan's" if default is None else default
                    say(f"  {name} = {usual}")
    if json_:
        print(json.dumps(listed))
