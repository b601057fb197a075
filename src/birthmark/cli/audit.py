"""`birthmark audit`."""

from __future__ import annotations

import json
import re
from dataclasses import replace
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

WITNESSES = "Other witnesses"


def audit(
    fingerprint: Annotated[Path, typer.Argument(help="A .birthmark file.")],
    suspect: Annotated[
        str,
        typer.Option(
            help="The suspect: a model file or folder, module:function, recorded answers, an"
            " address or .api.toml."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="A new folder for result, answers and report (default: audit-SUSPECT)."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What the report calls the suspect (default: its file name).")
    ] = None,
    lineage: Annotated[
        str | None, typer.Option(help="The suspect's lineage, if you know it for certain.")
    ] = None,
    alpha: Annotated[float, typer.Option(help="The false-positive rate to accept.")] = 0.01,
    independent_above: Annotated[
        float, typer.Option(help="The p-value above which a suspect may be called independent.")
    ] = 0.5,
    rule: Annotated[
        Rule,
        typer.Option(
            help="unseen: compare with innocent models of any lineage; rank: by rank alone."
        ),
    ] = Rule.UNSEEN,
    stop_early: Annotated[
        bool, typer.Option("--stop-early", help="Ask in batches, and stop once derived is certain.")
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
    allow_env: api.AllowEnv = [],  # noqa: B006
    header: api.Headers = [],  # noqa: B006
    ca_file: api.CaFile = None,
    dry_run: api.DryRunning = False,
    allow_download: AllowDownload = False,
    victim_file: Annotated[
        Path | None,
        typer.Option(
            help="Your model's file as it was enrolled, to compare weights as well.",
            rich_help_panel=WITNESSES,
        ),
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(
            help="The checkpoint that your model started from.", rich_help_panel=WITNESSES
        ),
    ] = None,
    init_references: Annotated[
        list[Path],
        typer.Option(
            help="Other models for your task that started from it.", rich_help_panel=WITNESSES
        ),
    ] = [],  # noqa: B006
    split: Annotated[
        Path | None,
        typer.Option(
            help="The plan that `birthmark split` wrote, to ask about its images as well.",
            rich_help_panel=WITNESSES,
        ),
    ] = None,
    split_images: Annotated[
        Path | None, typer.Option(help="The images that were split.", rich_help_panel=WITNESSES)
    ] = None,
    split_references: Annotated[
        list[str],
        typer.Option(help="Models that were trained without the split.", rich_help_panel=WITNESSES),
    ] = [],  # noqa: B006
    force: options.Force = False,
    json_: options.Json = False,
) -> None:
    """Ask a suspect a fingerprint's probes and give a verdict.

    The verdict is derived, independent or inconclusive. OUT gets result.json, report.html and
    answers.safetensors, which can be audited in the suspect's place later.
    """
    from birthmark.audit.joint import level
    from birthmark.cli.terminal import print_json, progress_bar, say
    from birthmark.cli.witnesses import Wanted
    from birthmark.common.files import require_new_folder
    from birthmark.fingerprint import Fingerprint
    from birthmark.models.adapters.lookup import open_any
    from birthmark.report.folder import FILES, write_audit
    from birthmark.report.pdf import require_pdf
    from birthmark.witnesses.joined import with_witnesses

    out = out or Path(f"audit-{_plain(name or suspect)}")
    stated = api.stated(
        ledger, max_calls, price, max_cost, concurrency, rate, timeout, attempts, allow_env
    )
    access = api.access_of(
        [suspect], out.with_name(f"{out.name}.ledger"), stated, api.reached(header, ca_file)
    )
    if not dry_run:
        if not force and (out / "result.json").is_file():
            raise BirthmarkError(
                out, "holds an audit already", "name a new folder, or pass --force"
            )
        require_new_folder(out, FILES if force else ())
        if pdf:
            require_pdf()
    opened = Fingerprint.open(fingerprint)
    wanted = Wanted(
        victim_file, suspect, init, init_references, split, split_images, split_references
    )
    wanted.require(opened.manifest)
    declared = options.declared(input_, range_, mean, std, output, layout, order)
    fetch(allow_download, suspect)
    model = open_any(suspect, declared, lineage, access)
    if dry_run:
        _plan(opened, model, access, alpha, independent_above, rule, stop_early, repeats, json_)
        return
    with api.kept(model), progress_bar(json_) as progress:
        audited = opened.audit_with_answers(
            model,
            alpha=level(alpha, wanted.count),
            independent_above=independent_above,
            rule=rule,
            stop_early=stop_early,
            repeats=repeats,
            name=name,
            progress=progress,
        )
        others = wanted.asked(model, declared, level(alpha, wanted.count), progress)
        joined = with_witnesses(audited.result, others, alpha)
        audited = replace(audited, result=joined)
        progress("Writing the report", 0, 1)
        write_audit(opened.bundle, audited, out, pdf=pdf, force=force)
        progress("Writing the report", 1, 1)
    if json_:
        print_json(audited.result)
        return
    result = audited.result
    _print(
        result.called,
        result.sentence if result.joint is None else f"{result.joint.sentence} {result.sentence}",
        [*(one.sentence for one in result.witnesses), *result.findings],
    )
    if (unknown := [check.words for check in result.checks if check.noticed is None]) and (
        repeats and access
    ):
        say(f"Not checked (the report says why): {', '.join(unknown)}.")
    if spent := api.spent_sentence(model):
        say(spent)
    say(f"Report: {out / 'report.html'}")


def _plain(suspect: str) -> str:
    """A suspect's name as part of a folder's name."""
    last = suspect.partition("?")[0].rstrip("/").rpartition("/")[2]
    return re.sub(r"[^\w.-]+", "-", Path(last).stem)[:60] or "suspect"


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
    from birthmark.cli.terminal import say
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
    say(*api.plan_lines(plan, model, at_most=stop_early, repeats=again))


def _print(verdict: str, sentence: str, findings: list[str]) -> None:
    from birthmark.cli.terminal import STYLES, console

    shown = console()
    shown.print(verdict.upper(), style=STYLES[verdict])
    shown.print(sentence)
    for finding in findings:
        shown.print(f"- {finding}")
