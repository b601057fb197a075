"""`birthmark zoo export`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import say
from birthmark.cli.zoo.torch_extra import require_torch


def export(
    zoo: Annotated[Path, typer.Argument(help="A zoo's folder.")],
    model: Annotated[str, typer.Argument(help="A model's name, such as victim or knockoff/3.")],
    out: Annotated[Path, typer.Option(help="A new folder for model.onnx and birthmark.toml.")],
    json_: options.Json = False,
) -> None:
    """Write a model as ONNX, ready for `birthmark audit`."""
    require_torch()
    from birthmark.zoo.export import export_model

    difference = export_model(zoo, model, out)
    if json_:
        print(json.dumps({"model": model, "difference": difference, "out": str(out)}))
    else:
        say(f"{model} is in {out}; ONNX and torch differ by {difference:.1e} of the answers.")
