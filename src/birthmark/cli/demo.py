"""`birthmark demo`."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import progress_bar, say

if TYPE_CHECKING:
    from birthmark.demo import Story


def demo(
    out: Annotated[Path, typer.Option(help="A new folder for the results.")] = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed for digits, models and probes.")] = 0,
    alpha: Annotated[float, typer.Option(help="The false-positive rate to accept.")] = 0.01,
    json_: options.Json = False,
) -> None:
    """Steal a small model in three ways, and audit thieves and innocent models.

    It takes a minute. A victim is trained on handwritten digits; thieves copy its labels, copy its
    probabilities, or fine-tune it; other models are trained honestly. Nothing is scripted.
    """
    from birthmark.common.files import require_new_folder
    from birthmark.demo import tell, write_story
    from birthmark.demo.files import as_json

    require_new_folder(out)
    with progress_bar(json_) as progress:
        story = tell(seed, alpha, progress)
        write_story(story, out)
    if json_:
        print(json.dumps(as_json(story)))
        return
    _print(story)
    say(f"\nOpen {out / 'report.html'}, or continue by hand:")
    called = "birthmark" if shutil.which("birthmark") else sys.argv[0]
    say(f"  {called} inspect {out / 'digits.birthmark'}")
    answers = out / "answers" / f"{story.audits[0].result.suspect.name}.safetensors"
    again = out / "audit-again"
    say(f"  {called} audit {out / 'digits.birthmark'} --suspect {answers} --out {again}")


def _print(story: Story) -> None:
    from rich.table import Table
    from rich.text import Text

    from birthmark.cli.terminal import STYLES, console

    manifest = story.fingerprint.manifest
    table = Table(
        title=f"{len(manifest.probes)} probes, {len(manifest.references)} reference models,"
        f" {manifest.method}",
    )
    for heading in ("suspect", "truth", "verdict"):
        table.add_column(heading)
    for heading in ("score", "p-value"):
        table.add_column(heading, justify="right")
    for audited in story.audits:
        result = audited.result
        table.add_row(
            result.suspect.name,
            story.truths[result.suspect.name],
            Text(result.verdict, style=STYLES[result.verdict]),
            f"{result.score:.4f}",
            f"{result.p_value:.3g}",
        )
    shown = console()
    shown.print(table)
    shown.print(story.summary)
