"""`birthmark compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from birthmark.cli import api, options
from birthmark.cli.terminal import say
from birthmark.common.errors import BirthmarkError

if TYPE_CHECKING:
    from birthmark.comparison import Comparison


def compare(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="A B ...",
            help="Fingerprints (.birthmark), and suspects: models, folders of models, recorded"
            " answers, or folders that audits left.",
        ),
    ],
    csv: Annotated[Path | None, typer.Option(help="Write the table to a CSV file.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the map: who is close to whom (.png, .svg, .pdf).")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the table's and the map's file.")
    ] = False,
    alpha: Annotated[float, typer.Option(help="The rate of each verdict by itself.")] = 0.01,
    ledger: Annotated[
        Path | None, typer.Option(help="Where answers of suspects behind an API are kept.")
    ] = None,
    allow_env: api.AllowEnv = [],  # noqa: B006
    input_: options.Input = None,
    range_: options.Range = None,
    mean: options.Mean = None,
    std: options.Std = None,
    output: options.Output = None,
    layout: options.Layout = None,
    order: options.Order = None,
    json_: options.Json = False,
) -> None:
    """Audit many suspects by many fingerprints: one table, and one map of who is close to whom."""
    from birthmark.cli.terminal import print_json, progress_bar
    from birthmark.common.files import require_writable, whole_file
    from birthmark.comparison import compare as compared
    from birthmark.comparison.suspects import open_suspects
    from birthmark.fingerprint import Fingerprint
    from birthmark.models.remote import Access
    from birthmark.report.picture_file import save_picture

    files = [name for name in what if name.endswith(".birthmark")]
    others = [name for name in what if name not in files]
    if len(set(files)) < len(files):
        raise BirthmarkError("compare", "a fingerprint is named twice", "name each once")
    declared = options.declared(input_, range_, mean, std, output, layout, order)
    for file in (csv, picture):
        if file is not None:
            if file.exists() and not force:
                raise BirthmarkError(file, "is there already", "name a new file, or pass --force")
            require_writable(file)
    access = None if ledger is None else Access(ledger, environment=tuple(allow_env))
    with progress_bar(json_) as progress:
        comparison = compared(
            {name: Fingerprint.open(name) for name in files},
            open_suspects(others, declared, access),
            alpha=alpha,
            progress=progress,
        )
    if csv is not None:
        with whole_file(csv) as passing:
            passing.write_text(comparison.to_csv(), "utf-8")
    if picture is not None:
        save_picture(comparison.plot(), picture)
    if json_:
        print_json(comparison)
        return
    _print(comparison)
    for file in (csv, picture):
        if file is not None:
            say(file)


def _print(comparison: Comparison) -> None:
    from rich.table import Table
    from rich.text import Text

    from birthmark.cli.terminal import STYLES, console

    table = Table("fingerprint", "suspect", "verdict", "p", "score", box=None, pad_edge=False)
    for row in comparison.rows:
        verdict = Text(
            str(row.verdict or "not compared"),
            style=STYLES[row.verdict] if row.verdict else "",
        )
        p, score = (
            "" if number is None else f"{number:.3g}" for number in (row.p_value, row.score)
        )
        table.add_row(row.fingerprint, row.suspect, verdict, p, score)
    shown = console()
    shown.print(table)
    for row in comparison.rows:
        if row.problem:
            shown.print(f"{row.suspect}: {row.problem}")
    shown.print(comparison.sentence)
    for note in comparison.notes:
        shown.print(note)
