"""`birthmark verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options

STATED = "The signer states this; to recompute it, pass --replay:"


def verify(
    evidence: Annotated[Path, typer.Argument(help="An evidence.json.")],
    replay: Annotated[
        bool, typer.Option("--replay", help="Recompute the score and the verdict from the answers.")
    ] = False,
    key: Annotated[
        Path | None, typer.Option(help="The signer's public key, from a source you trust (PEM).")
    ] = None,
    roots: Annotated[
        Path | None, typer.Option(help="The time-stamping service's root certificate (PEM).")
    ] = None,
    fingerprint: Annotated[
        Path | None, typer.Option(help="The .birthmark file, if it is not enclosed.")
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="The answers.safetensors, if they are not enclosed.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="The report.html (default: the one next to the evidence)."),
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="The ledger, if an API was audited, to check it too.")
    ] = None,
    json_: options.Json = False,
) -> None:
    """Check who signed evidence, and that nothing in it was altered.

    With --replay, also check that the verdict follows from the answers. Exit code 3 if anything is
    not as stated. What could not be checked is listed, and fails only if an option asks for it.
    """
    from birthmark.cli.terminal import DEVIATES, print_checks, print_json, say, waiting
    from birthmark.common.files import read_bytes
    from birthmark.evidence.keys import read_public_key
    from birthmark.evidence.package import read_evidence
    from birthmark.evidence.statement import ANSWERS, FINGERPRINT, REPORT
    from birthmark.evidence.verification import verify as verified

    beside = evidence.with_name(REPORT)
    report = beside if report is None and beside.is_file() else report
    given = {FINGERPRINT: fingerprint, ANSWERS: answers, REPORT: report}
    with waiting("Checking the evidence", json_):
        done = verified(
            read_evidence(evidence),
            evidence.name,
            key=None if key is None else read_public_key(key),
            roots=roots,
            files={name: read_bytes(path) for name, path in given.items() if path is not None},
            repeat=replay,
            ledger=ledger,
        )
    if json_:
        print_json(done)
    else:
        print_checks(done.checks, "REFUSED")
        if done.passed and done.statement is not None:
            sentence = done.statement.predicate.result.sentence
            say(sentence if replay else f"{STATED} {sentence}")
    if not done.passed:
        raise typer.Exit(DEVIATES)
