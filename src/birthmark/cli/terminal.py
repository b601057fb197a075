"""What people see: progress on standard error, tables on standard output."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from birthmark.audit.testimony import Testimony
    from birthmark.common.checks import Check
    from birthmark.common.progress import Progress

PATIENCE = 2.0
DEVIATES = 3
"""The exit code where something is not as recorded or stated."""
STYLES = {"derived": "bold red", "independent": "green", "inconclusive": "yellow"}


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """A bar for each thing being done, on a terminal only; nothing is left of it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    from birthmark.common.progress import silent

    console = Console(stderr=True)
    if quiet:
        yield silent
        return
    if not console.is_terminal:
        yield _lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bars(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:
        tasks = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total, visible=done < total)

        yield show


@contextmanager
def waiting(what: str, quiet: bool) -> Iterator[None]:
    """Say what is being done, if it takes over two seconds and has no parts to count."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet:
        yield
    elif console.is_terminal:
        with console.status(what):
            yield
    else:
        timer = Timer(PATIENCE, lambda: print(what, file=sys.stderr, flush=True))
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _lines() -> Progress:
    """Where there is no terminal, a line for each thing that is not done after two seconds."""
    begun: set[str] = set()
    started = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        if what not in begun and done < total and time.monotonic() - started > PATIENCE:
            begun.add(what)
            print(what if total == 1 else f"{what} ({total})", file=sys.stderr, flush=True)

    return show


def print_checks(checks: Sequence[Check], refused: str) -> None:
    """Print what came of each check, one a line; `refused` marks what is not as it should be."""
    marks = {True: "ok", False: refused, None: "not checked"}
    for check in checks:
        print(f"{marks[check.passed]:<13}{check.name}: {check.sentence}")


def print_testimony(said: Testimony) -> None:
    """Print what a witness says, and on what that rests."""
    print(said.sentence)
    for title, lines in (
        ("Measured", said.measured),
        ("Assumed", said.assumes),
        ("Not told", said.cannot_tell),
    ):
        for line in lines:
            print(f"- {title}: {line}")


def print_facts(facts: dict[str, object]) -> None:
    """Print names and values, one a line, digests in full."""
    for name, value in facts.items():
        print(f"{name:<20}{value}")
