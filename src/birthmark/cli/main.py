"""The `birthmark` command."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from birthmark import __version__
from birthmark.cli.audit import audit
from birthmark.cli.bench import bench
from birthmark.cli.compare import compare
from birthmark.cli.demo import demo
from birthmark.cli.drift import drift
from birthmark.cli.enroll import enroll
from birthmark.cli.inspect import inspect
from birthmark.cli.key import key
from birthmark.cli.output import OUTPUT, LogFile, Quiet, Verbose, everywhere
from birthmark.cli.plan import plan
from birthmark.cli.practice import practice
from birthmark.cli.probes import probes
from birthmark.cli.recheck import recheck
from birthmark.cli.references import references
from birthmark.cli.registry import app as registry
from birthmark.cli.report import report
from birthmark.cli.seal import seal
from birthmark.cli.serve import serve
from birthmark.cli.shuffled import shuffled
from birthmark.cli.sign import sign
from birthmark.cli.split import split
from birthmark.cli.terminal import say
from birthmark.cli.verify import verify
from birthmark.cli.weights import weights
from birthmark.cli.zoo import app as zoo
from birthmark.common.errors import BirthmarkError, one_line
from birthmark.common.speech import options_named

BAD_INPUT, INTERNAL, INTERRUPTED = 2, 1, 130
UsageError: Any = typer.BadParameter.__base__

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
PROTECT, CHECK, PROVE, LAB = "Protect your model", "Check a suspect", "Prove it", "Lab"
PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    PROTECT: (references, enroll, inspect, seal),
    CHECK: (audit, compare, drift),
    PROVE: (report, sign, verify, recheck),
    LAB: (demo, practice, plan, split, shuffled, weights, key, probes, serve, bench),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel, hidden=panel == LAB)(command)
app.add_typer(registry, name="registry", rich_help_panel=CHECK)
app.add_typer(zoo, name="zoo", rich_help_panel=LAB, hidden=True)
MORE = ", ".join([*(command.__name__ for command in PANELS[LAB]), "zoo"])
EPILOG = (
    f"More commands: {MORE}. `birthmark --more` describes them.\n\n"
    "Exit codes: 0 done, whatever the verdict; 1 a bug in Birthmark; 2 wrong input; 3 a check"
    " failed; 130 stopped."
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"birthmark {__version__}")
        raise typer.Exit


def _more(context: typer.Context, wanted: bool) -> None:
    if wanted:
        for command in getattr(context.command, "commands", {}).values():
            command.hidden = False
        context.command.epilog = None
        say(context.get_help())
        raise typer.Exit


@app.callback(epilog=EPILOG)
def _birthmark(
    more: Annotated[
        bool, typer.Option("--more", callback=_more, is_eager=True, help="Show all commands.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Find out whether a model was copied from yours, using only its predictions."""


def main() -> None:
    """Run a command; end with a one-line error instead of a traceback."""
    if "_BIRTHMARK_COMPLETE" in os.environ:
        app(prog_name="birthmark")
    OUTPUT.reset()
    with options_named():
        _run()


def _run() -> None:
    try:
        command = everywhere(typer.main.get_command(app))
        with command.make_context("birthmark", sys.argv[1:]) as context:
            command.invoke(context)
        sys.stdout.flush()
        sys.exit(0)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except BirthmarkError as error:
        _say(error)
        sys.exit(BAD_INPUT)
    except UsageError as error:
        _say_usage(error)
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt as error:
        said = str(error) or "stopped; nothing was written"
        if "--json" in sys.argv:
            fields = {"subject": "birthmark", "problem": said, "fix": "run it again"}
            print(json.dumps({"error": fields}))
        say(f"birthmark: {said}", error=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if os.environ.get("BIRTHMARK_DEBUG"):
            raise
        say(
            f"birthmark: bug in Birthmark: {type(error).__name__}: {one_line(str(error))};"
            " set BIRTHMARK_DEBUG=1, run it again, and report what it prints",
            error=True,
        )
        sys.exit(INTERNAL)


def _say_usage(error: Any) -> None:
    """A wrong option or argument; a command that was named without any has printed its help."""
    path = error.ctx.command_path if error.ctx else "birthmark"
    if message := error.format_message().strip():
        subject = path.removeprefix("birthmark").strip() or "arguments"
        said, _, near = " ".join(message.rstrip(".?").split()).partition(". Did you mean ")
        problem = f"{said} (did you mean {near}?)" if near else said
        _say(BirthmarkError(subject, problem, f"see {path} --help"))


def _say(error: BirthmarkError) -> None:
    if "--json" in sys.argv:
        fields = {"subject": error.subject, "problem": error.problem, "fix": error.fix}
        print(json.dumps({"error": fields}))
    say(f"birthmark: {error}", error=True)
