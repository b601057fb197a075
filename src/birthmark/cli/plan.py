"""`birthmark plan`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from itertools import accumulate
from typing import TYPE_CHECKING, Annotated

import typer

from birthmark.cli import options

if TYPE_CHECKING:
    from birthmark.calibration.sample_size import Plan, Power


def plan(
    alpha: Annotated[
        float, typer.Option(help="The rate of a false accusation among all suspects.")
    ] = 0.05,
    power: Annotated[float, typer.Option(help="The share of thieves to detect.")] = 0.95,
    references: Annotated[
        int | None, typer.Option(help="How many reference models there are.")
    ] = None,
    lineages: Annotated[
        int, typer.Option(help="How many lineages they are of, spread evenly.")
    ] = 1,
    lineage: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N", help="References of one lineage, the victim's own first; repeatable."
        ),
    ] = None,
    probes: Annotated[int | None, typer.Option(help="How many probes can be sent.")] = None,
    suspects: Annotated[int, typer.Option(help="How many models are audited.")] = 1,
    labels_only: Annotated[
        bool, typer.Option("--labels-only", help="The models say no more than labels.")
    ] = False,
    json_: options.Json = False,
) -> None:
    """Say how many references and probes an audit takes, or what those there are reach."""
    from birthmark.calibration import sample_size

    made = sample_size.plan(
        alpha,
        power,
        suspects=suspects,
        lineages=lineages,
        references=references,
        sizes=lineage or (),
        probes=probes,
        labels=labels_only,
    )
    if json_:
        print(json.dumps(as_json(made)))
        return
    given = references is not None or bool(lineage)
    for sentence in [*_about_references(made, given), *_about_power(made, probes)]:
        print(sentence)
    if made.powers:
        _show(made)
        for sentence in _caveats(made):
            print(sentence)


def as_json(made: Plan) -> dict[str, object]:
    """A plan for machines."""
    theirs = made.references
    return asdict(made) | {
        "needed_in_lineages": made.needed_in_lineages,
        "references": {
            "count": theirs.count,
            "lineages": theirs.lineages,
            "smallest_p": theirs.smallest,
            "reachable": theirs.reachable and theirs.usable,
            "rate": theirs.rate,
            "rate_within_a_lineage": theirs.within,
        },
    }


def _about_references(made: Plan, given: bool) -> Iterator[str]:
    """What references hold, and how many it takes."""
    from birthmark.calibration.lineages import LEAST

    theirs, lineages = made.references, len(made.references.lineages)
    each = _percent(made.each)
    if made.suspects > 1:
        yield (
            f"{made.suspects} suspects at {_percent(made.alpha)} in all: audit each at"
            f" --alpha {made.each:.6g}."
        )
    if not theirs.usable:
        yield (
            f"{theirs.lineages[0]} references of the victim's own lineage: nothing can be called"
            f" derived with fewer than {LEAST}."
        )
        return
    takes = f"A false-positive rate of {each} takes {made.needed} reference models"
    if not given:
        yield (
            f"{takes}: with n of them the smallest p-value is 1 / (n + 1), whatever the probes, and"
            " an alpha below that cannot be reached."
        )
    elif theirs.reachable:
        yield (
            f"{takes}, and there are {theirs.count}: {_percent(theirs.rate)} holds, and any alpha"
            f" from {_percent(theirs.smallest)} on can be reached."
        )
    else:
        among = made.suspects * theirs.smallest
        whole = f" ({_percent(min(1, among))} among all suspects)" if made.suspects > 1 else ""
        yield (
            f"{takes}. With {theirs.count} the smallest p-value is 1 / {theirs.count + 1}, whatever"
            f" the probes: no alpha below {_percent(theirs.smallest)}{whole} can be reached, and"
            " what follows is for that."
        )
    yield f"At least {LEAST} must be of the victim's own lineage, or nothing is called derived."
    if lineages > 1:
        spread = ", ".join(str(n) for n in theirs.lineages)
        yield (
            f"With {theirs.count} of {lineages} lineages ({spread}), an innocent of one given"
            f" lineage is called derived in at most {_percent(theirs.within)} of cases; for {each}"
            f" within every lineage it takes {made.needed_in_lineages // lineages} of each,"
            f" {made.needed_in_lineages} in all."
        )
    else:
        yield (
            f"Of several lineages it takes {made.needed_in_lineages} of each for {each} to hold"
            " within every one: see --lineages."
        )


def _about_power(made: Plan, probes: int | None) -> Iterator[str]:
    """Which attacks are detected with how many probes."""
    from birthmark.enrolment.defaults import SPARED

    if not made.powers:
        return
    yield (
        f"{SPARED} or more further independent models choose the probes (--outsider); they are not"
        " ranked."
    )
    attacks = f"{len(made.powers)} attacks"
    if probes is not None:
        reached = sum(one.worst >= made.power for one in made.powers)
        at = max(one.probes for one in made.powers)
        yield (
            f"Power {made.power:g} with {at} probes, the most measured within {probes}: in every"
            f" zoo for {reached} of {attacks}."
        )
        return
    counted = Counter(one.needed for one in made.powers if one.needed is not None)
    sizes = sorted(counted)
    sums = accumulate(counted[n] for n in sizes)
    said = ", ".join(f"{sum_} with {n} probes" for n, sum_ in zip(sizes, sums, strict=True))
    yield f"Power {made.power:g} in every zoo, of {attacks}: {said or 'for none'}."
    if missed := len(made.powers) - counted.total():
        yield f"For {missed} no measured number of probes is enough."


def _show(made: Plan) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from birthmark.cli.terminal import console

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("attack", no_wrap=True)
    for head in (f"probes for {made.power:g}", "power", "at least", "thieves"):
        table.add_column(head, justify="right", no_wrap=True)
    for one in made.powers:
        table.add_row(
            one.attack,
            _needed(one, made.power),
            f"{one.worst:.2f}" + (f"-{one.best:.2f}" if one.best > one.worst else ""),
            f"{one.low:.2f}",
            f"{one.zoos} x {one.thieves}",
        )
    console().print(table)


def _needed(one: Power, power: float) -> str:
    if one.needed is not None:
        return str(one.needed)
    return f"not {'kept' if one.most >= power else 'reached'} (best {one.most:.2f})"


def _caveats(made: Plan) -> Iterator[str]:
    """What the power is of."""
    from birthmark.calibration.bounds import interval

    said = "labels" if made.labels else "all they say"
    few = max(one.thieves for one in made.powers)
    yield (
        f"power: in the worst to the best zoo of {', '.join(made.zoos)}, from {said}. These are"
        " small networks of one victim each: measure on models like yours with `birthmark zoo` and"
        " `birthmark bench`."
    )
    yield (
        "at least: the lowest end of the zoos' 95% intervals (Clopper-Pearson) over the few"
        f" thieves there are: even {few} of {few} show no more than {interval(few, few)[0]:.2f}."
    )
    yield "thieves: zoos by how many count in the zoo with the fewest."
    if made.measure == "detected":
        yield (
            "Measured at 5% by rank among all references of a zoo, of thieves as accurate as honest"
            " models. The look at every lineage asks for more where lineages are small; being"
            " closer than all models passes that too: see --alpha 0.049."
        )
        return
    least, most = made.innocents
    ranks = f"1 of {most + 1} ({_percent(1 / (most + 1))})"
    if least < most:
        ranks += f", for a new head 1 of {least + 1} ({_percent(1 / (least + 1))})"
    yield (
        "Measured as being closer to the victim than every innocent model of the zoo, of all"
        f" thieves, accurate or not: rank {ranks}."
    )
    if made.tested < 1 / (most + 1):
        yield f"At smaller rates power is not measured: at {_percent(made.tested)} expect less."
    elif made.tested < 1 / (least + 1):
        yield f"At {_percent(made.tested)} expect less for a new head."


def _percent(rate: float) -> str:
    return f"{100 * rate:.3g}%"
