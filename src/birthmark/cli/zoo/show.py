"""`birthmark zoo show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from birthmark.cli import options
from birthmark.common.errors import BirthmarkError

if TYPE_CHECKING:
    from birthmark.zoo.models.record import Record
    from birthmark.zoo.plan import Plan


def show(
    zoo: Annotated[Path, typer.Argument(help="A zoo's folder or an .answers file.")],
    picture: Annotated[
        Path | None, typer.Option(help="Draw accuracy against fidelity to this PNG or SVG.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Write the table to this Markdown file.")
    ] = None,
    json_: options.Json = False,
) -> None:
    """Show how accurate the models of a zoo are, and how like the victim."""
    from birthmark.common.files import whole_file
    from birthmark.zoo import population

    plan, records, made = _opened(zoo)
    rows = population.population(plan, records)
    if picture is not None:
        population.picture(plan, records, picture)
    if markdown is not None:
        command = f"birthmark zoo show {zoo} --markdown {markdown}"
        with whole_file(markdown) as file:
            file.write_text(population.markdown(plan, records, made, command))
    if json_:
        print(json.dumps({"zoo": plan.name, "groups": [row._asdict() for row in rows]}))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from birthmark.cli.terminal import console, say

    say(f"{plan.name}: {plan.about} Scale {plan.scale}. Lowest to highest of each group:")
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("group", "is", "models", plan.measure, "fidelity", "mark"):
        left = column in ("group", "is")
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.group,
            row.role,
            str(row.models),
            _range(row.accuracy),
            _range(row.fidelity),
            "" if row.reached is None else f"{row.reached} of {row.models}",
        )
    console().print(table)


def _range(values: tuple[float, float, float] | None) -> str:
    return "" if values is None else f"{values[0]:.2f}-{values[2]:.2f}"


def _opened(zoo: Path) -> tuple[Plan, list[Record], dict[str, str]]:
    if zoo.is_file():
        from birthmark.zoo.answers import read_answers

        recorded = read_answers(zoo)
        return recorded.manifest.plan, recorded.records, recorded.manifest.made
    if not zoo.exists():
        raise BirthmarkError(zoo, "does not exist", "name a zoo's folder or an .answers file")
    from birthmark.zoo.builder.members import members
    from birthmark.zoo.models.record import read
    from birthmark.zoo.plan import open_zoo

    plan = open_zoo(zoo)
    found = [read(zoo, member.name) for member in members(plan)]
    return plan, [record for record in found if record is not None], {}
