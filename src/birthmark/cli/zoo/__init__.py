"""`birthmark zoo`, one file a command."""

from __future__ import annotations

import typer

from birthmark.cli.zoo.answer import answer
from birthmark.cli.zoo.build import build
from birthmark.cli.zoo.export import export
from birthmark.cli.zoo.plans import plans
from birthmark.cli.zoo.recipes import recipes
from birthmark.cli.zoo.show import show

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train populations of stolen and innocent models to measure methods on.",
)
for command in (plans, recipes, build, show, answer, export):
    app.command()(command)
