"""`birthmark plan`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import say

if TYPE_CHECKING:
    from birthmark.calibration.sample_size import Plan

LEARNT = {
    "their probabilities": ("extracted-probabilities", "extracted-embeddings"),
    "their labels": ("extracted-labels",),
}


def plan(
    alpha: Annotated[
        float, typer.Option(help="The rate of a false accusation among all suspects.")
    ] = 0.01,
    power: Annotated[float, typer.Option(help="The share of copies to find.")] = 0.95,
    references: Annotated[
        int | None, typer.Option(help="How many reference models there are.")
    ] = None,
    lineages: Annotated[int | None, typer.Option(help="How many lineages they are of.")] = None,
    probes: Annotated[int | None, typer.Option(help="How many probes can be sent.")] = None,
    suspects: Annotated[int, typer.Option(help="How many models are audited.")] = 1,
    labels_only: Annotated[
        bool, typer.Option("--labels-only", help="The models say no more than labels.")
    ] = False,
    table: Annotated[bool, typer.Option("--table", help="Show every attack.")] = False,
    json_: options.Json = False,
) -> None:
    """Say which references and how many probes an audit takes, or what those there are reach."""
    from birthmark.calibration import sample_size

    made = sample_size.plan(
        alpha,
        power,
        suspects=suspects,
        references=references,
        lineages=lineages,
        probes=probes,
        labels=labels_only,
    )
    if json_:
        print(json.dumps(asdict(made) | {"references": made.references}))
        return
    for sentence in sentences(made):
        say(sentence)
    if table:
        _show(made)
        for sentence in _about(made):
            say(sentence)


def sentences(made: Plan) -> Iterator[str]:
    """What to take, and what that can and can't reach."""
    rate = f"{100 * made.each:.3g}%"
    if made.suspects > 1:
        rate += f" for each of {made.suspects} suspects (--alpha {made.each:.3g})"
    take = (
        f"{made.references} references, {made.models} of each of {made.lineages} lineages, your"
        f" model's own among them, and {made.probes} probes"
    )
    copies = [one for one in made.powers if one.kind == "copy"]
    least = min(one.worst for one in copies)
    if made.reached:
        yield f"Take {take}: at {rate} that finds {least:.0%} of copies or more by every attack."
    else:
        yield (
            f"With {take}, at {rate}, as little as {least:.0%} of copies are found by some attack:"
            " more lineages, then more probes, find more."
        )
    reached = []
    for what, attacks in LEARNT.items():
        of = [one for one in made.powers if one.attack in attacks]
        if of:
            low, high = min(one.worst for one in of), max(one.best for one in of)
            span = f"{low:.0%}" if low == high else f"{low:.0%} to {high:.0%}"
            reached.append(f"{span} of those that learnt from {what}")
    worst = min(made.powers, key=lambda one: one.best)
    yield (
        f"Of models that learnt from your model's answers it finds {', and '.join(reached)}; of"
        f" {worst.attack.removeprefix('extracted-')} ones {worst.best:.0%} at most, so a suspect"
        " that is not found is not cleared."
    )


def _show(made: Plan) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from birthmark.cli.terminal import console

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for head in ("kind", "attack"):
        table.add_column(head, no_wrap=True)
    for head in ("found", "populations"):
        table.add_column(head, justify="right", no_wrap=True)
    for one in made.powers:
        found = f"{one.worst:.2f}" + (f" to {one.best:.2f}" if one.best > one.worst else "")
        table.add_row(one.kind, one.attack, found, str(one.zoos))
    console().print(table)


def _about(made: Plan) -> Iterator[str]:
    """What the power is of."""
    said = "labels" if made.labels else "all they say"
    yield (
        f"found: in the worst to the best of the populations {', '.join(made.zoos)}, from {said},"
        f" at {100 * made.tested:.3g}%; thieves as accurate as honest models. They are small"
        " networks: measure on models like yours with `birthmark zoo` and `birthmark bench`."
    )
    if made.each < made.tested:
        yield f"At {100 * made.each:.3g}% power is not measured: expect less."
    yield (
        f"By rank alone (--rule rank) {100 * made.each:.3g}% would take {made.by_rank} references."
    )
