"""`birthmark bench`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import progress_bar, say

if TYPE_CHECKING:
    from birthmark.bench.table import Table


def bench(
    zoos: Annotated[list[Path], typer.Argument(help=".answers files of zoos.", metavar="ZOO...")],
    methods: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            help="A method, by its full name or the paper's (default: all that are compared).",
        ),
    ] = None,
    n: Annotated[
        list[int] | None, typer.Option("-n", min=2, help="How many probes (repeatable).")
    ] = None,
    draws: Annotated[int, typer.Option(help="How often to draw that many probes.", min=1)] = 5,
    alpha: Annotated[
        float, typer.Option(help="The false-positive rate of a detection.", min=0, max=1)
    ] = 0.05,
    seed: Annotated[int, typer.Option(help="Draws probes.", min=0)] = 0,
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 2,
    out: Annotated[
        Path | None,
        typer.Option(help="Write each zoo's tables (.md), rows (.json) and picture (.png) here."),
    ] = None,
    verdicts: Annotated[
        Path | None,
        typer.Option(
            help="Instead of methods, measure verdicts: audit every model with complete and with"
            " incomplete references, and write who is accused (.md)."
        ),
    ] = None,
    json_: options.Json = False,
) -> None:
    """Measure which thieves each method detects, and whom it accuses."""
    if verdicts is not None:
        _judge(zoos, verdicts, n[0] if n else 100, workers, json_)
        return
    from birthmark.bench.run import bench as measure
    from birthmark.bench.table import SIZES, Setting
    from birthmark.scores.methods import method

    setting = Setting(sizes=tuple(n) if n else SIZES, draws=draws, alpha=alpha, seed=seed)
    chosen = {name: method(name).name for name in methods} if methods else None
    tables = []
    for zoo in zoos:
        with progress_bar(json_) as progress:
            tables.append(measure(zoo, chosen, setting, workers, progress=progress))
        if out is not None:
            _write(tables[-1], out, zoo)
    if json_:
        print(json.dumps([table.model_dump(mode="json") for table in tables]))
        return
    for table in tables:
        _show(table)


def _judge(zoos: list[Path], out: Path, n: int, workers: int, json_: bool) -> None:
    import platform
    import time

    from birthmark import __version__
    from birthmark.bench.accused import Setting
    from birthmark.bench.verdict_page import measured, page
    from birthmark.common.files import whole_file

    setting, began = Setting(n=n), time.monotonic()
    with progress_bar(json_) as progress:
        found = measured(zoos, setting, workers, progress)
    minutes = (time.monotonic() - began) / 60
    command = f"birthmark bench {' '.join(map(str, zoos))} --verdicts {out}"
    made = f"`{command}`; birthmark {__version__}, {platform.machine()}, {minutes:.0f} minutes."
    with whole_file(out) as file:
        file.write_text(page(found, setting, made))
    if json_:
        print(json.dumps([[one.zoo, one.victim, *v] for one in found for v in one.verdicts]))
    else:
        say(f"{out}shows who is accused, and when.")


def _write(table: Table, out: Path, zoo: Path) -> None:
    from birthmark.bench.figure import picture
    from birthmark.bench.markdown import page
    from birthmark.common.files import whole_file

    out.mkdir(parents=True, exist_ok=True)
    with whole_file(out / f"{table.zoo}.json") as file:
        file.write_text(table.model_dump_json() + "\n")
    with whole_file(out / f"{table.zoo}.md") as file:
        file.write_text(page(table, f"birthmark bench {zoo} --out {out}"))
    picture(table, out / f"{table.zoo}.png")


def _show(table: Table) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Shown

    from birthmark.bench.summary import by_size, sizes
    from birthmark.cli.terminal import console

    found = by_size(table)
    columns = sizes(found)
    say(
        f"{table.zoo}: thieves detected at {table.setting.alpha:.0%}, by number of probes (mean"
        " over attacks, then the worst attack):"
    )
    shown = Shown(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    shown.add_column("method", no_wrap=True)
    for n in columns:
        shown.add_column(str(n), justify="right", no_wrap=True)
    for alias, of in found.items():
        cells = (f"{of[n].overall:.2f} {of[n].worst:.2f}" if n in of else "" for n in columns)
        shown.add_row(alias, *cells)
    console().print(shown)
    for alias, why in table.left_out.items():
        say(f"Not measured: {alias} ({why})")
