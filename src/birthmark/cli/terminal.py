"""What people see: progress on standard error, tables on standard output."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

from birthmark.cli.output import OUTPUT

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

    from birthmark.audit.testimony import Testimony
    from birthmark.common.checks import Check
    from birthmark.common.progress import Progress

PATIENCE = 2.0
DEVIATES = 3
"""The exit code where something is not as recorded or stated."""
STYLES = {"derived": "bold red", "independent": "green", "inconclusive": "yellow"}


def printable(text: str) -> str:
    """Text with a mark in the place of whatever a terminal would obey, but line feeds."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def say(*lines: object, error: bool = False) -> None:
    """Print lines for people; whoever wrote them, a terminal only shows them."""
    stream = sys.stderr if error else sys.stdout
    for line in lines:
        print(printable(str(line)), file=stream, flush=True)
        OUTPUT.logged(printable(str(line)))


def note(*lines: object) -> None:
    """Print lines on standard error that --quiet leaves out."""
    if not OUTPUT.quiet:
        say(*lines, error=True)


def print_json(document: BaseModel) -> None:
    """Print a document for machines, in ASCII."""
    print(json.dumps(document.model_dump(mode="json")))


def console(*, error: bool = False) -> Console:
    """Rich's console, which shows text as `say` does, and takes no markup from it."""
    from rich.console import Console
    from rich.segment import Segment

    class Plain(Console):
        def print(self, *objects: Any, **options: Any) -> None:
            super().print(*objects, **options)
            for one in objects:
                if isinstance(one, str):
                    OUTPUT.logged(printable(one))

        def render(self, renderable: Any, options: Any = None) -> Iterator[Segment]:
            for one in super().render(renderable, options):
                yield one if one.control else Segment(printable(one.text), one.style)

    return Plain(stderr=error, markup=False, highlight=False)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """A bar for each thing being done, on a terminal only; nothing is left of it."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    from birthmark.common.progress import silent

    shown = console(error=True)
    if quiet or OUTPUT.quiet:
        yield silent
        return
    if OUTPUT.verbose or not shown.is_terminal:
        yield _lines()
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Bars(*columns, TimeRemainingColumn(), console=shown, transient=True) as bars:
        tasks = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total, visible=done < total)

        yield show


@contextmanager
def resumable(kept: str, out: Path) -> Iterator[None]:
    """Ctrl-C says what stays where, such as `what is built`, and that the command continues."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(
            f"stopped; {kept} stays in {out}, and the same command continues from there"
        ) from error


@contextmanager
def waiting(what: str, quiet: bool) -> Iterator[None]:
    """Say what is being done, if it takes over two seconds and has no parts to count."""
    shown = console(error=True)
    if quiet or OUTPUT.quiet:
        yield
    elif shown.is_terminal:
        with shown.status(what):
            yield
    else:
        timer = Timer(PATIENCE, lambda: note(what))
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _lines() -> Progress:
    """A line for each thing that is not done after two seconds; with --verbose for each thing."""
    begun: dict[str, float] = {}
    started = time.monotonic()
    patience = 0.0 if OUTPUT.verbose else PATIENCE

    def show(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what not in begun and done < total and now - started >= patience:
            begun[what] = now
            note(what if total == 1 else f"{what} ({total})")
        elif OUTPUT.verbose and what in begun and done >= total:
            note(f"{what}: done in {now - begun.pop(what):.1f} s")

    return show


def print_checks(checks: Sequence[Check], refused: str) -> None:
    """Print what came of each check, one a line; `refused` marks what is not as it should be."""
    marks = {True: "ok", False: refused, None: "not checked"}
    for check in checks:
        say(f"{marks[check.passed]:<13}{check.name}: {check.sentence}")


def print_testimony(said: Testimony) -> None:
    """Print what a witness says, and on what that rests."""
    say(said.sentence)
    for title, lines in (
        ("Measured", said.measured),
        ("Assumed", said.assumes),
        ("Cannot tell", said.cannot_tell),
    ):
        for line in lines:
            say(f"- {title}: {line}")


def print_facts(facts: dict[str, object]) -> None:
    """Print names and values, one a line, digests in full."""
    for name, value in facts.items():
        say(f"{name:<20}{value}")
