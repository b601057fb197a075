"""Maps as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from birthmark.common.errors import one_line
from birthmark.comparison.map import Map, Point
from birthmark.showing.marks import LIGHT, MARKS
from birthmark.showing.strip import STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_NAMED = 14


def map_figure(maps: Sequence[Map]) -> Figure:
    """Maps side by side: the victim a star, suspects by their verdict, references dots."""
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(5.2 * len(maps), 5.2), layout="constrained")
        for place, one in enumerate(maps, 1):
            _drawn(figure.add_subplot(1, len(maps), place), one)
    return figure


def _drawn(axes: Axes, one: Map) -> None:
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_title(one_line(one.fingerprint, 50), loc="left")
    said = (
        "This map distorts distances; read the table instead"
        if one.distorts
        else "Models close together are alike"
    )
    axes.set_xlabel(f"{said} (stress {one.stress:.2f})", color=LIGHT.grey)
    dots = [point for point in one.points if point.role == "reference"]
    axes.scatter(
        [p.x for p in dots], [p.y for p in dots], s=14, color=LIGHT.grey, label="reference"
    )
    seen = set()
    named = [point for point in one.points if point.role == "suspect"]
    for point in named:
        mark = MARKS[point.verdict] if point.verdict else None
        if mark is None:
            continue
        axes.scatter(
            point.x,
            point.y,
            s=46,
            marker=mark.marker,
            facecolors=mark.colour if mark.filled else "white",
            edgecolors=mark.colour,
            label=None if point.verdict in seen else str(point.verdict),
            zorder=3,
        )
        seen.add(point.verdict)
    victim = one.points[0]
    axes.scatter(victim.x, victim.y, s=120, marker="*", color=LIGHT.ink, label="victim", zorder=4)
    for point in (victim, *named[:MOST_NAMED]):
        _named(axes, point)
    axes.legend(frameon=False, loc="lower right", fontsize=8)
    axes.margins(0.15)


def _named(axes: Axes, point: Point) -> None:
    axes.annotate(
        one_line(point.name, 24),
        (point.x, point.y),
        xytext=(5, 5),
        textcoords="offset points",
        fontsize=8,
        color=LIGHT.ink,
    )
