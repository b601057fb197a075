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
    from birthmark.comparison.scan import Scanned

MANY = "For very many suspects"


def compare(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="A B ...",
            help="Fingerprints (.birthmark) and suspects: models, folders of models, recorded"
            " answers, or audit folders.",
        ),
    ],
    csv: Annotated[Path | None, typer.Option(help="Write the table to a CSV file.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the map: who is close to whom (.png, .svg, .pdf).")
    ] = None,
    force: options.Force = False,
    alpha: Annotated[
        float,
        typer.Option(
            help="The false-positive rate of each verdict (with --registry, of each suspect)."
        ),
    ] = 0.01,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Keep each suspect's result here; the same command continues where it stopped.",
            rich_help_panel=MANY,
        ),
    ] = None,
    registry: Annotated[
        str | None,
        typer.Option(
            help="Audit each suspect with the ten nearest fingerprints of this registry.",
            rich_help_panel=MANY,
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Suspects to compare at a time.", rich_help_panel=MANY)
    ] = 1,
    engine: Annotated[
        str,
        typer.Option(
            help="joblib, or ray for several machines that share OUT.", rich_help_panel=MANY
        ),
    ] = "joblib",
    ledger: Annotated[
        Path | None, typer.Option(help="Where to keep the answers of suspects behind an API.")
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
    """Audit many suspects with many fingerprints: one table and one map.

    With --out each suspect's result is kept as soon as it is there, and no map is drawn: OUT gets
    table.csv, table.json and a folder for each suspect. Failures are listed and tried again next
    time.
    """
    from birthmark.cli.terminal import print_json, progress_bar, resumable
    from birthmark.common.files import require_writable, whole_file
    from birthmark.comparison import compare as compared
    from birthmark.comparison.against import Against
    from birthmark.comparison.scan import scan
    from birthmark.comparison.suspects import open_suspects
    from birthmark.fingerprint import Fingerprint
    from birthmark.models.remote import Access
    from birthmark.report.picture_file import save_picture

    files = [name for name in what if name.endswith(".birthmark")]
    others = [name for name in what if name not in files]
    if len(set(files)) < len(files):
        raise BirthmarkError("compare", "the same fingerprint is named twice", "name each once")
    declared = options.declared(input_, range_, mean, std, output, layout, order)
    for file in (csv, picture):
        if file is not None:
            if file.exists() and not force:
                raise BirthmarkError(file, "is there already", "name a new file, or pass --force")
            require_writable(file)
    access = None if ledger is None else Access(ledger, environment=tuple(allow_env))
    if out is not None:
        if picture is not None or csv is not None:
            raise BirthmarkError(
                "--out", "writes the table itself and draws no map", "drop --csv and --picture"
            )
        against = Against.of(alpha, files, registry)
        with resumable("what is compared", out), progress_bar(json_) as progress:
            scanned = scan(
                against,
                others,
                out,
                declared=declared,
                access=access,
                workers=workers,
                engine=engine,
                progress=progress,
            )
        _print_scanned(scanned, out, json_)
        return
    if registry is not None or workers > 1 or engine != "joblib":
        raise BirthmarkError(
            "compare",
            "--registry, --workers and --engine need a folder for results",
            "pass --out FOLDER",
        )
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
    print_comparison(comparison)
    for file in (csv, picture):
        if file is not None:
            say(file)


def print_comparison(comparison: Comparison, *, told: bool = True) -> None:
    """Print the table, why some could not be compared, and what to bear in mind."""
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
    if told:
        _print_files(comparison)
    for sentence in (comparison.sentence, *comparison.notes) if told else ():
        shown.print(sentence)


def _print_files(comparison: Comparison) -> None:
    """What the suspects' files say: that one is the victim's, or that its weights look like it."""
    from birthmark.audit.findings import SAME_FILE
    from birthmark.cli.terminal import say

    lines = []
    for row in comparison.rows:
        if SAME_FILE in row.findings:
            lines.append(f"{row.suspect}: is the same file as {row.victim}")
        elif row.weights:
            lines.append(f"{row.suspect}: {row.weights}")
    say(*dict.fromkeys(lines))


def _print_scanned(scanned: Scanned, out: Path, json_: bool) -> None:
    from birthmark.audit.verdict import Verdict
    from birthmark.cli.terminal import print_json, say

    if json_:
        print_json(scanned.comparison)
        return
    derived = [row for row in scanned.comparison.rows if row.verdict is Verdict.DERIVED]
    if derived:
        print_comparison(scanned.comparison.model_copy(update={"rows": derived}), told=False)
    _print_files(scanned.comparison)
    say(scanned.comparison.sentence)
    say(
        f"Compared {scanned.compared} suspects now and {scanned.known} before; all of them, derived"
        f" or not, are in {out / 'table.csv'}"
    )
    for why in scanned.failed.values():
        say(f"Not compared: {why}")
