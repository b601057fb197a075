"""What a zoo's models are like: a table and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from birthmark.report.picture_file import save_picture
from birthmark.zoo.models.record import Record
from birthmark.zoo.plan import Plan, Role

STOLEN = ("C1", "C2", "C3", "C4", "C5", "C6", "C8", "C9")
SIGNS = "sD^v<>phPX"
LOOKS: dict[Role, dict[str, Any]] = {
    Role.VICTIM: {"marker": "*", "color": "black", "facecolors": "none", "s": 300},
    Role.REFERENCE: {"marker": "o", "color": "#9a9a9a"},
    Role.INDEPENDENT: {"marker": "o", "color": "C0"},
    Role.COMPANION: {"marker": "+", "color": "black"},
    Role.OTHER: {"marker": "x", "color": "#9a9a9a"},
    Role.START: {"marker": "1", "color": "#9a9a9a"},
}


class Row(NamedTuple):
    """A group of models, summed up.

    Attributes
    ----------
    accuracy, fidelity
        Lowest, mean and highest; None where tasks differ.
    reached
        How many are as accurate as the plan wants; None if it sets no mark.
    seconds
        Mean time of making one.
    """

    group: str
    role: Role
    models: int
    accuracy: tuple[float, float, float]
    fidelity: tuple[float, float, float] | None
    within: float | None
    reached: int | None
    seconds: float


def population(plan: Plan, records: Sequence[Record]) -> list[Row]:
    """Sum up each group, in the plan's order."""
    victim = next((r.accuracy for r in records if r.role is Role.VICTIM), float("nan"))
    rows = []
    for group in plan.groups:
        of = [r for r in records if r.group == group.name]
        if not of:
            continue
        fidelities = [r.fidelity for r in of if r.fidelity is not None]
        within = group.within
        rows.append(
            Row(
                group.name,
                group.role,
                len(of),
                _spread([r.accuracy for r in of]),
                _spread(fidelities) if fidelities else None,
                within,
                None if within is None else sum(r.accuracy >= victim - within for r in of),
                sum(r.seconds for r in of) / len(of),
            )
        )
    return rows


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    return min(values), sum(values) / len(values), max(values)


def markdown(plan: Plan, records: Sequence[Record], made: dict[str, str], command: str) -> str:
    """The table as Markdown, with the command that wrote it."""
    versions = ", ".join(f"{name} {version}" for name, version in made.items())
    lines = [
        f"# The zoo `{plan.name}`",
        "",
        f"{plan.about} {len(records)} models, scale `{plan.scale}`, seed {plan.seed};"
        f" made in {sum(r.seconds for r in records) / 60:.0f} core-minutes"
        f"{f' ({versions})' if versions else ''}.",
        "",
        f"Written by `{command}`.",
        "",
        f"| group | is | models | {plan.measure}: lowest, mean, highest"
        " | fidelity: lowest, mean, highest | mark | reached | s a model |",
        "|---|---|---:|---|---|---|---:|---:|",
    ]
    for row in population(plan, records):
        mark = "" if row.within is None else f"victim - {row.within:g}"
        reached = "" if row.reached is None else f"{row.reached} of {row.models}"
        lines.append(
            f"| {row.group} | {row.role} | {row.models} | {_three(row.accuracy)}"
            f" | {_three(row.fidelity)} | {mark} | {reached} | {row.seconds:.1f} |"
        )
    return "\n".join(lines) + "\n"


def _three(values: tuple[float, float, float] | None) -> str:
    return "" if values is None else " ".join(f"{v:.3f}" for v in values)


def picture(plan: Plan, records: Sequence[Record], out: Path) -> None:
    """Draw accuracy against fidelity, a sign a group, to a PNG or SVG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    stolen = 0
    for group in plan.groups:
        of = [r for r in records if r.group == group.name and r.fidelity is not None]
        if not of:
            continue
        look = LOOKS.get(group.role)
        if look is None:
            look = {"marker": SIGNS[stolen % len(SIGNS)], "color": STOLEN[stolen % len(STOLEN)]}
            stolen += 1
        axes.scatter(
            [r.fidelity or 0.0 for r in of],
            [r.accuracy for r in of],
            label=f"{group.name} ({len(of)})",
            alpha=0.75,
            **({"s": 28} | look),
        )
    same = "correlation of similarities" if plan.task == "verification" else "same label"
    axes.set_xlabel(f"fidelity to the victim ({same})")
    axes.set_ylabel(plan.measure)
    other = sum(r.fidelity is None for r in records)
    axes.set_title(
        f"{plan.name}: {len(records)} models; {other} with another label set are not drawn"
    )
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8, frameon=False)
    save_picture(figure, out)
