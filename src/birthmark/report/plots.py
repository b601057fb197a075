"""The report's pictures: the same bytes for the same input."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from birthmark.errors import one_line
from birthmark.report.wording import by_family, line, typical, varies
from birthmark.result import Result, Verdict

MOST_ROWS = 60
MOST_FAMILIES = 30
LEAST_PIXELS = 450
STYLE: dict[str, Any] = {
    "svg.hashsalt": "birthmark",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
}
INK, GREY, PALE = "#222222", "#6b6b6b", "#e4e4e4"


class Mark(NamedTuple):
    """A verdict's shape as text, as a matplotlib marker, its colour (Okabe and Ito), if filled."""

    text: str
    marker: str
    colour: str
    filled: bool


MARKS = {
    Verdict.DERIVED: Mark("▲", "^", "#d55e00", True),
    Verdict.INCONCLUSIVE: Mark("◆", "D", "#8a6d00", True),
    Verdict.INDEPENDENT: Mark("□", "s", "#0072b2", False),
}


def strip_plot(results: Sequence[Result], *, narrow: bool) -> bytes:
    """Distances from the victim: a row for each suspect, then one for each reference family.

    Parameters
    ----------
    results
        Results of one fingerprint at one alpha, in the order of their rows.
    narrow
        For a telephone: 3.4 inches wide, labels above the rows, instead of 9 and beside them.

    Returns
    -------
    bytes
        SVG.
    """
    shown = typical(results)
    families = _families(shown)
    suspects = len(results)
    labels = [one_line(result.suspect.name, 40 if narrow else 34) for result in results]
    labels += [f"{one_line(family, 28)} ({len(scores)})" for family, scores in families]
    height = len(labels) * (0.34 if narrow else 0.235) + 0.85
    with matplotlib.style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(3.4 if narrow else 9, height), layout="constrained")
        axes = figure.add_subplot()
        for y, result in enumerate(results):
            _suspect(axes, y, result)
            if varies(results):
                axes.plot([line(result)], [y], "|", color=INK, markersize=8)
        for y, (_, scores) in enumerate(families, suspects):
            axes.axhline(y, color=PALE, linewidth=0.8, zorder=0)
            axes.plot(scores, [y] * len(scores), "o", color=GREY, alpha=0.55, markersize=5, mew=0)
        axes.axhline(suspects - (0.7 if narrow else 0.5), color=GREY, linewidth=0.6)
        _labels(axes, labels, narrow)
        _line(axes, shown, [result.score for result in results])
        axes.set_ylim(len(labels) - 0.4, -0.8 if narrow else -0.6)
        axes.set_xlabel("distance from the victim (0: the same)")
        return _saved(figure)


def _families(result: Result) -> list[tuple[str, list[float]]]:
    families = by_family(result)
    if len(families) <= MOST_FAMILIES:
        return families
    shown, rest = families[: MOST_FAMILIES - 1], families[MOST_FAMILIES - 1 :]
    return [*shown, (f"{len(rest)} more families", [x for _, scores in rest for x in scores])]


def _suspect(axes: Axes, y: int, result: Result) -> None:
    mark = MARKS[result.verdict]
    axes.axhline(y, color=PALE, linewidth=0.8, zorder=0)
    axes.plot(
        [result.score],
        [y],
        mark.marker,
        color=mark.colour,
        markerfacecolor=mark.colour if mark.filled else "white",
        markeredgewidth=1.5,
        markersize=7,
        zorder=3,
    )


def _labels(axes: Axes, labels: Sequence[str], narrow: bool) -> None:
    axes.tick_params(axis="y", length=0)
    if not narrow:
        axes.set_yticks(range(len(labels)), labels)
        return
    axes.set_yticks([])
    for y, label in enumerate(labels):
        axes.text(0, y - 0.42, label, transform=axes.get_yaxis_transform(), va="center", fontsize=8)


def _line(axes: Axes, shown: Result, suspects: Sequence[float]) -> None:
    """Shade where p <= alpha, and say so above."""
    edge = line(shown)
    scores = [*(reference.score for reference in shown.references), *suspects]
    low, high = min(0.0, *scores), max(scores)
    room = 0.03 * ((high - low) or 1)
    axes.set_xlim(low - room, high + room)
    axes.axvline(edge, color=INK, linewidth=1, linestyle=(0, (4, 2)))
    axes.axvspan(low - room, edge, color=MARKS[Verdict.DERIVED].colour, alpha=0.07, linewidth=0)
    on_the_left = edge - low < (high - low) / 2
    axes.annotate(
        f"← p ≤ {shown.alpha:.3g}",
        (edge, 1),
        xycoords=("data", "axes fraction"),
        xytext=(2 if on_the_left else -2, 3),
        textcoords="offset points",
        ha="left" if on_the_left else "right",
        color=INK,
        annotation_clip=False,
    )


def _saved(figure: Figure) -> bytes:
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(file, format="svg", metadata=nothing)
    return file.getvalue()


def heatmap(values: NDArray[np.float32], low: float, high: float, colours: str) -> bytes:
    """A matrix (n, n) as a picture of at least 450 pixels a side.

    Parameters
    ----------
    values
        The matrix.
    low, high
        What the first and the last of 256 colours stand for; beyond them colours stay.
    colours
        A matplotlib colour map.

    Returns
    -------
    bytes
        PNG.
    """
    scaled = (values - low) * (255 / ((high - low) or 1))
    indices = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    times = math.ceil(LEAST_PIXELS / len(values))
    return _png(indices.repeat(times, axis=0).repeat(times, axis=1), colours)


def gradient(colours: str) -> bytes:
    """All 256 colours from left to right, as PNG of one pixel's height."""
    return _png(np.arange(256, dtype=np.uint8)[None, :], colours)


def _png(indices: NDArray[np.uint8], colours: str) -> bytes:
    palette = matplotlib.colormaps[colours](np.arange(256), bytes=True)
    picture = Image.fromarray(indices)
    picture.putpalette(np.asarray(palette)[:, :3].tobytes())
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return file.getvalue()
