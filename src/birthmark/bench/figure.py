"""A benchmark as a picture."""

from __future__ import annotations

from pathlib import Path

from birthmark.bench.markdown import of_victim, overall, worst
from birthmark.bench.table import Table
from birthmark.files import whole_file

SHOWN = 9


def picture(table: Table, out: Path) -> None:
    """Draw detection against the number of probes, for the best methods, to a PNG or SVG file.

    Left over all attacks that keep accuracy, right in the worst of them.
    """
    from matplotlib.figure import Figure

    rows = [row for row in of_victim(table) if row.answers == "all"]
    attacks = {row.attack: row for row in rows}
    sizes = sorted({row.n for row in rows})
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    aliases = list(dict.fromkeys(row.method for row in rows))

    def best(alias: str) -> float:
        of = [row for row in rows if row.method == alias]
        return max(
            overall([row for row in of if row.n == n], attacks) for n in {row.n for row in of}
        )

    first = aliases[:1]
    chosen = first + sorted(aliases[1:], key=best, reverse=True)[: SHOWN - 1]
    for place, (axes, measure, title) in enumerate(
        (
            (panels[0], overall, "mean over attacks"),
            (panels[1], worst, "worst attack"),
        )
    ):
        for i, alias in enumerate(chosen):
            points = [
                (n, measure(of, attacks))
                for n in sizes
                if (of := [row for row in rows if row.method == alias and row.n == n])
            ]
            axes.plot(
                [n for n, _ in points],
                [value for _, value in points],
                marker="os^Dv<>pX"[i % 9],
                color="black" if i == 0 else f"C{i - 1}",
                linewidth=2.5 if i == 0 else 1.2,
                label=alias if place == 0 else None,
            )
        axes.set_xscale("log")
        axes.set_xticks(sizes, [str(n) for n in sizes], minor=False)
        axes.minorticks_off()
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel("probes")
        axes.set_title(title)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel(f"thieves detected at {table.setting.alpha:.0%}")
    figure.suptitle(f"{table.zoo}: detection by number of probes")
    figure.legend(loc="outside right center", frameon=False, fontsize=9)
    kind = out.suffix.removeprefix(".") or "png"
    with whole_file(out) as passing:
        figure.savefig(
            passing, format=kind, dpi=110, metadata={"Date": None} if kind == "svg" else None
        )
