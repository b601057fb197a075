"""What people see: progress on standard error, tables on standard output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from birthmark.images import Progress, silent

STYLES = {"derived": "bold red", "independent": "green", "inconclusive": "yellow"}


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """A bar for each thing being done, on a terminal only; nothing is left of it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bars(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:
        tasks = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total, visible=done < total)

        yield show


def print_facts(facts: dict[str, object]) -> None:
    """Print names and values, one a line."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        table.add_row(Text(name, style="dim"), Text(str(value)))
    Console().print(table)
