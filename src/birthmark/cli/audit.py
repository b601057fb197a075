"""`birthmark audit`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from birthmark.audit.rule import Rule
from birthmark.cli import api, options
from birthmark.cli.download import AllowDownload, fetch
from birthmark.common.errors import BirthmarkError

if TYPE_CHECKING:
    from birthmark.fingerprint import Fingerprint
    from birthmark.models.adapters import Suspect
    from birthmark.models.adapters.base import PairSuspect
    from birthmark.models.remote import Access


def audit(
    fingerprint: Annotated[Path, typer.Argument(help="A .birthmark file.")],
    suspect: Annotated[
        str,
        typer.Option(
            help="The suspect: a model file or folder, module:function, recorded answers, an"
            " address or .api.toml."
        ),
    ],
    out: Annotated[Path, typer.Option(help="A new folder for result, answers and report.")],
    name: Annotated[
        str | None, typer.Option(help="What the report calls the suspect; its file's name else.")
    ] = None,
    lineage: Annotated[
        str | None, typer.Option(help="The suspect's lineage, if it is known for certain.")
    ] = None,
    alpha: Annotated[float, typer.Option(help="The false-positive rate to accept.")] = 0.01,
    independent_above: Annotated[
        float, typer.Option(help="The p-value that independent takes, where copies would be found.")
    ] = 0.5,
    rule: Annotated[
        Rule,
        typer.Option(help="unseen: closer than innocents of any lineage; rank: by rank alone."),
    ] = Rule.UNSEEN,
    stop_early: Annotated[
        bool, typer.Option("--stop-early", help="Ask in batches, and stop once derived is sure.")
    ] = False,
    pdf: options.Pdf = False,
    repeats: Annotated[
        int, typer.Option(help="How many probes to ask again, to see whether answers change.")
    ] = 4,
    input_: options.Input = None,
    range_: options.Range = None,
    mean: options.Mean = None,
    std: options.Std = None,
    output: options.Output = None,
    layout: options.Layout = None,
    order: options.Order = None,
    ledger: api.Ledger = None,
    max_calls: api.MaxCalls = None,
    price: api.Price = None,
    max_cost: api.MaxCost = None,
    concurrency: api.Concurrency = None,
    rate: api.Rate = None,
    timeout: api.Timeout = None,
    attempts: api.Attempts = None,
    dry_run: api.DryRunning = False,
    allow_download: AllowDownload = False,
    json_: options.Json = False,
) -> None:
    """Put a fingerprint's probes to a suspect and give a verdict.

    The verdict is derived, independent or inconclusive. OUT gets result.json, report.html and
    answers.safetensors, which can be audited again in the suspect's place. `birthmark report`
    renders the report again.
    """
    from birthmark.cli.terminal import progress_bar
    from birthmark.common.files import require_new_folder
    from birthmark.fingerprint import Fingerprint
    from birthmark.models.adapters.lookup import open_any
    from birthmark.report.folder import write_audit
    from birthmark.report.pdf import require_pdf

    stated = api.stated(ledger, max_calls, price, max_cost, concurrency, rate, timeout, attempts)
    access = api.access_of([suspect], out.with_name(f"{out.name}.ledger"), stated)
    if not dry_run:
        require_new_folder(out)
        if pdf:
            require_pdf()
    opened = Fingerprint.open(fingerprint)
    declared = options.declared(input_, range_, mean, std, output, layout, order)
    fetch(allow_download, suspect)
    model = open_any(suspect, declared, lineage, access)
    if dry_run:
        _plan(opened, model, access, alpha, independent_above, rule, stop_early, repeats, json_)
        return
    with api.kept(model), progress_bar(json_) as progress:
        audited = opened.audit_with_answers(
            model,
            alpha=alpha,
            independent_above=independent_above,
            rule=rule,
            stop_early=stop_early,
            repeats=repeats,
            name=name,
            progress=progress,
        )
        progress("Writing the report", 0, 1)
        write_audit(opened.bundle, audited, out, pdf=pdf)
        progress("Writing the report", 1, 1)
    if json_:
        print(audited.result.model_dump_json())
        return
    _print(audited.result.verdict, audited.result.sentence, audited.result.findings)
    if (unknown := [check.name for check in audited.result.checks if check.noticed is None]) and (
        repeats and access
    ):
        print(f"Not checked, which the report tells why: {', '.join(unknown)}.")
    if said := api.spent_sentence(model):
        print(said)
    print(f"Assumed, measured and inferred: {out / 'report.html'}")


def _plan(
    opened: Fingerprint,
    model: Suspect | PairSuspect,
    access: Access | None,
    alpha: float,
    independent_above: float,
    rule: Rule,
    stop_early: bool,
    repeats: int,
    json_: bool,
) -> None:
    from birthmark.audit.audit import prepared
    from birthmark.audit.repeats import Repeats, planned
    from birthmark.models.adapters.base import RemoteSuspect
    from birthmark.scores.methods import method

    asked = prepared(opened.bundle, model, alpha, independent_above, rule)
    if access is None or not isinstance(asked, RemoteSuspect):
        raise BirthmarkError("--dry-run", "is for a model behind an API", "drop it")
    skip = method(opened.manifest.method).score.reference_images
    plan, again = planned(asked, Repeats(asked, opened.probes, repeats, skip))
    if json_:
        more = {"ledger": str(access.ledger), "enough": api.enough(plan, model)}
        print(json.dumps(plan.model_dump() | more))
        return
    print(*api.plan_lines(plan, model, at_most=stop_early, repeats=again), sep="\n")


def _print(verdict: str, sentence: str, findings: list[str]) -> None:
    from rich.console import Console
    from rich.text import Text

    from birthmark.cli.terminal import STYLES

    console = Console()
    console.print(Text(verdict.upper(), style=STYLES[verdict]))
    console.print(Text(sentence))
    for finding in findings:
        console.print(Text(f"- {finding}"))
