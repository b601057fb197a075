"""`birthmark weights`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import print_json, print_testimony
from birthmark.common.errors import BirthmarkError


def weights(
    victim: Annotated[
        Path, typer.Argument(help="Your model's file, or the folder of a SavedModel or repository.")
    ],
    suspect: Annotated[Path, typer.Argument(help="The suspect's.")],
    init: Annotated[
        Path | None, typer.Option(help="The checkpoint that your model started from, if any.")
    ] = None,
    references: Annotated[
        list[Path],
        typer.Option(help="Other models for your task that started from it, made without yours."),
    ] = [],  # noqa: B006
    alpha: Annotated[float, typer.Option(help="The false-positive rate to accept.")] = 0.01,
    json_: options.Json = False,
) -> None:
    """Test from two model files whether they have a common ancestor.

    Needs no references. Reads ONNX, safetensors, TorchScript, .pt2, .keras, SavedModel and TFLite,
    and runs neither model.
    """
    from birthmark.witnesses.weights.witness import weights as asked

    if not 0 < alpha < 1:
        raise BirthmarkError("--alpha", f"is {alpha}", "pass a rate between 0 and 1, such as 0.01")
    said = asked(victim, suspect, alpha=alpha, init=init, references=references)
    print_json(said) if json_ else print_testimony(said)
