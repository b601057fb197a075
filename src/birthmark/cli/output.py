"""How much is said: --quiet, --verbose and --log-file, which every command takes."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from birthmark.common.files import cannot_write

SHARED = ("quiet", "verbose", "log_file")


@dataclass
class Output:
    """What the user wants to see.

    Attributes
    ----------
    quiet
        Whether progress and notes stay unsaid.
    verbose
        Whether each step is a line, with the seconds that it took.
    log
        The file that all lines go to as well.
    """

    quiet: bool = False
    verbose: bool = False
    log: Path | None = None

    def reset(self) -> None:
        """Forget what an earlier command was told."""
        self.quiet, self.verbose, self.log = False, False, None

    def logged(self, line: str) -> None:
        """Write a line to the log, if there is one.

        Raises
        ------
        BirthmarkError
            If it can't be written.
        """
        if self.log is None:
            return
        try:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}\n")
        except OSError as error:
            log, self.log = self.log, None
            raise cannot_write(log, error) from error


OUTPUT = Output()


def _quiet(wanted: bool) -> None:
    OUTPUT.quiet |= wanted


def _verbose(wanted: bool) -> None:
    OUTPUT.verbose |= wanted


def _log_file(file: Path | None) -> None:
    OUTPUT.log = file or OUTPUT.log


Quiet = Annotated[
    bool, typer.Option("--quiet", callback=_quiet, help="Show no progress and no notes.")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", callback=_verbose, help="Show each step and its time.")
]
LogFile = Annotated[
    Path | None, typer.Option(callback=_log_file, help="Append what is shown to a file.")
]


def everywhere(command: Any) -> Any:
    """Let these options follow the name of any command too, without a line in its help.

    And let help be wrapped by the width of the terminal, not as it stands in the source.
    """
    shared = [copy.copy(one) for one in command.params if one.name in SHARED]
    for one in command.params:
        one.hidden |= one.name == "show_completion"
    for one in shared:
        one.hidden, one.expose_value = True, False
    waiting = list(getattr(command, "commands", {}).values())
    while waiting:
        inner = waiting.pop()
        inner.params = [*inner.params, *shared]
        inner.help = re.sub(r"(?<!\n)\n(?!\n)", " ", inner.help or "")
        waiting += getattr(inner, "commands", {}).values()
    return command
