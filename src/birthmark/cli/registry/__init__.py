"""`birthmark registry`, one file a command."""

from __future__ import annotations

import typer

from birthmark.cli.registry.add import add
from birthmark.cli.registry.list import list_
from birthmark.cli.registry.new import new
from birthmark.cli.registry.search import search

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Keep many protected models together, and search them for a suspect.",
)
app.command()(new)
app.command()(add)
app.command("list")(list_)
app.command()(search)
