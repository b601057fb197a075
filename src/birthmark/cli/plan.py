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
        float, typer.Option(help="The rate of false accusations among all suspects.")
    ] = 0.01,
    power: Annotated[float, typer.Option(help="The share of copies to find.")] = 0.95,
    references: Annotated[int | None, typer.Option(help="How many references you have.")] = None,
    lineages: Annotated[int | None, typer.Option(help="How many lineages they have.")] = None,
    probes: Annotated[int | None, typer.Option(help="How many probes you can send.")] = None,
    suspects: Annotated[int, typer.Option(help="How many models you audit.")] = 1,
    labels_only: Annotated[
        bool, typer.Option("--labels-only", help="The models answer with labels only.")
    ] = False,
    table: Annotated[bool, typer.Option("--table", help="Show every attack.")] = False,
    json_: options.Json = False,
) -> None:
    """Say how many references and probes an audit needs."""
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
        yield (
            f"Take {take}. At a rate of {rate} this finds at least {least:.0%} of copies, whatever"
            " the attack."
        )
    else:
        yield (
            f"With {take} at a rate of {rate}, only {least:.0%} of copies are found for some"
            " attacks. More lineages find more, and then more probes."
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
        f"Of models that learnt from your model's answers, it finds {', and '.join(reached)}, and"
        f" at most {worst.best:.0%} of {worst.attack.removeprefix('extracted-')} ones. So a"
        " suspect that is not found is not cleared."
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
    said = "labels" if made.labels else "their full answers"
    yield (
        f"found: from the worst to the best of the populations {', '.join(made.zoos)}, using"
        f" {said}, at {100 * made.tested:.3g}%, for thieves as accurate as honest models. These are"
        " small networks: measure on models like yours with `birthmark zoo` and `birthmark bench`."
    )
    if made.each < made.tested:
        yield f"At {100 * made.each:.3g}% power was not measured: expect less."
    yield (
        f"By rank alone (--rule rank) {100 * made.each:.3g}% would take {made.by_rank} references."
    )
