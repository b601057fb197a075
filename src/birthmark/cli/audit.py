"""`birthmark audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options
from birthmark.cli.fetching import AllowDownload, fetch


def audit(
    fingerprint: Annotated[Path, typer.Argument(help="A .birthmark file.")],
    suspect: Annotated[
        str, typer.Option(help="The suspect: a model file or folder, module:function or answers.")
    ],
    out: Annotated[Path, typer.Option(help="A new folder for result, answers and report.")],
    family: Annotated[
        str | None, typer.Option(help="The suspect's family, if it is known for certain.")
    ] = None,
    alpha: Annotated[
        float, typer.Option(help="The rate to accept over all references; see family_rate for one.")
    ] = 0.05,
    independent_above: Annotated[
        float, typer.Option(help="The p-value above which the verdict is independent.")
    ] = 0.5,
    stop_early: Annotated[
        bool, typer.Option("--stop-early", help="Ask in batches, and stop once derived is sure.")
    ] = False,
    input_: options.Input = None,
    range_: options.Range = None,
    mean: options.Mean = None,
    std: options.Std = None,
    output: options.Output = None,
    layout: options.Layout = None,
    order: options.Order = None,
    allow_download: AllowDownload = False,
    json_: options.Json = False,
) -> None:
    """Put a fingerprint's probes to a suspect and give a verdict.

    The verdict is derived, independent or inconclusive. OUT gets result.json, report.html and
    answers.safetensors, which can be audited again in the suspect's place.
    """
    from birthmark.cli.terminal import progress_bar
    from birthmark.files import require_new_folder
    from birthmark.fingerprint import Fingerprint
    from birthmark.report.folder import write_audit
    from birthmark.suspects.finding import open_suspect

    require_new_folder(out)
    opened = Fingerprint.open(fingerprint)
    declared = options.declared(input_, range_, mean, std, output, layout, order)
    fetch(allow_download, suspect)
    with progress_bar(json_) as progress:
        audited = opened.audit_with_answers(
            open_suspect(suspect, declared, family),
            alpha=alpha,
            independent_above=independent_above,
            stop_early=stop_early,
            progress=progress,
        )
    write_audit(opened.bundle, audited, out)
    if json_:
        print(audited.result.model_dump_json())
        return
    _print(audited.result.verdict, audited.result.sentence, audited.result.findings)
    print(f"Assumed, measured and inferred: {out / 'report.html'}")


def _print(verdict: str, sentence: str, findings: list[str]) -> None:
    from rich.console import Console
    from rich.text import Text

    from birthmark.cli.terminal import STYLES

    console = Console()
    console.print(Text(verdict.upper(), style=STYLES[verdict]))
    console.print(Text(sentence))
    for finding in findings:
        console.print(Text(f"- {finding}"))
