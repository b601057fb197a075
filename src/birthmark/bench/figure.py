"""A benchmark as a picture."""

from __future__ import annotations

from pathlib import Path

from birthmark.bench.summary import by_size, sizes
from birthmark.bench.table import Table
from birthmark.report.picture_file import save_picture

SHOWN = 9


def picture(table: Table, out: Path) -> None:
    """Draw detection against the number of probes, for the best methods, to a PNG or SVG file.

    Left over all attacks that keep accuracy, right in the worst of them.
    """
    from matplotlib.figure import Figure

    found = by_size(table)
    columns = sizes(found)
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    first, *others = found

    def best(alias: str) -> float:
        return max(summed.overall for summed in found[alias].values())

    chosen = [first, *sorted(others, key=best, reverse=True)[: SHOWN - 1]]
    for place, title in enumerate(("mean over attacks", "worst attack")):
        axes = panels[place]
        for i, alias in enumerate(chosen):
            points = [(n, summed[place]) for n, summed in found[alias].items()]
            axes.plot(
                [n for n, _ in points],
                [value for _, value in points],
                marker="os^Dv<>pX"[i % 9],
                color="black" if i == 0 else f"C{i - 1}",
                linewidth=2.5 if i == 0 else 1.2,
                label=alias if place == 0 else None,
            )
        axes.set_xscale("log")
        axes.set_xticks(columns, [str(n) for n in columns], minor=False)
        axes.minorticks_off()
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel("probes")
        axes.set_title(title)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel(f"thieves detected at {table.setting.alpha:.0%}")
    figure.suptitle(f"{table.zoo}: detection by number of probes")
    figure.legend(loc="outside right center", frameon=False, fontsize=9)
    save_picture(figure, out)
