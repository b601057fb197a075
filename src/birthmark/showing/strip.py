"""The strip plot: suspects among the references, by their distance from the victim."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from birthmark.common.errors import one_line
from birthmark.showing.marks import LIGHT, MARKS, Look

STYLE: dict[str, Any] = {
    "svg.hashsalt": "birthmark",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
}


@dataclass(frozen=True)
class Suspected:
    """A suspect's row.

    Attributes
    ----------
    name, verdict, score
        Its own.
    line
        Where derived begins for this suspect, if that depends on the suspect.
    """

    name: str
    verdict: str
    score: float
    line: float | None = None


@dataclass(frozen=True)
class Strip:
    """All that a strip plot shows.

    Attributes
    ----------
    suspects
        A row each.
    lineages
        The references' distances by lineage, a row each.
    line
        Left of it lies what is called derived.
    rate
        The false-positive rate that holds.
    """

    suspects: Sequence[Suspected]
    lineages: Sequence[tuple[str, Sequence[float]]]
    line: float
    rate: float

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.suspects) + len(self.lineages)


@contextmanager
def styled(look: Look = LIGHT) -> Iterator[None]:
    """Matplotlib's own style, whatever the user's is, in these colours."""
    colours = {
        "text.color": look.ink,
        "axes.labelcolor": look.ink,
        "axes.edgecolor": look.ink,
        "axes.facecolor": look.paper,
        "figure.facecolor": look.paper,
        "xtick.color": look.ink,
        "ytick.color": look.ink,
    }
    with matplotlib.style.context([STYLE, colours], after_reset=True):
        yield


def size(strip: Strip, *, narrow: bool) -> tuple[float, float]:
    """Width and height in inches."""
    each = 0.34 if narrow else 0.235
    return (3.4 if narrow else 9, strip.rows * each + 0.85)


def new_axes(strip: Strip) -> Axes:
    """Axes of a new figure of pyplot, which a notebook shows by itself."""
    from matplotlib import pyplot

    with styled():
        return pyplot.subplots(figsize=size(strip, narrow=False), layout="constrained")[1]


def draw(axes: Axes, strip: Strip, look: Look = LIGHT, *, narrow: bool = False) -> None:
    """Draw a row for each suspect, then one for each lineage of references.

    Parameters
    ----------
    axes
        Where.
    strip
        What.
    look
        Colours.
    narrow
        For a telephone: labels above the rows instead of beside them.
    """
    for y, suspect in enumerate(strip.suspects):
        _suspect(axes, y, suspect, look)
    first = len(strip.suspects)
    for y, (_, scores) in enumerate(strip.lineages, first):
        axes.axhline(y, color=look.pale, linewidth=0.8, zorder=0)
        axes.plot(scores, [y] * len(scores), "o", color=look.grey, alpha=0.6, markersize=5, mew=0)
    axes.axhline(first - (0.7 if narrow else 0.5), color=look.grey, linewidth=0.6)
    labels = [one_line(one.name, 40 if narrow else 34) for one in strip.suspects]
    labels += [f"{one_line(name, 28)} ({len(scores)})" for name, scores in strip.lineages]
    _labels(axes, labels, narrow)
    _line(axes, strip, look, narrow)
    axes.set_ylim(len(labels) - 0.4, -0.8 if narrow else -0.6)
    axes.set_xlabel("distance from the victim (0: the same)")


def svg(strip: Strip, look: Look = LIGHT, *, narrow: bool = False) -> bytes:
    """The strip plot as SVG; the same bytes each time.

    Returns
    -------
    bytes
        A whole SVG file.
    """
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    file = io.BytesIO()
    with styled(look), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure = Figure(figsize=size(strip, narrow=narrow), layout="constrained")
        draw(figure.add_subplot(), strip, look, narrow=narrow)
        figure.savefig(file, format="svg", metadata=nothing)
    return file.getvalue()


def inline(drawn: bytes, alt: str) -> str:
    """An SVG to be put into HTML: without head and style sheet, with a text in its place."""
    text = drawn.decode()
    text = re.sub("<(metadata|style).*?</\\1>", "", text[text.index("<svg") :], flags=re.DOTALL)
    style = "max-width:100%;height:auto;stroke-linejoin:round;stroke-linecap:butt"
    return f'<svg role="img" aria-label="{escape(one_line(alt))}" style="{style}"{text[4:]}'


def _suspect(axes: Axes, y: int, suspect: Suspected, look: Look) -> None:
    mark, colour = MARKS[suspect.verdict], look.colour(suspect.verdict)
    axes.axhline(y, color=look.pale, linewidth=0.8, zorder=0)
    axes.plot(
        [suspect.score],
        [y],
        mark.marker,
        color=colour,
        markerfacecolor=colour if mark.filled else look.paper,
        markeredgewidth=1.5,
        markersize=7,
        zorder=3,
    )
    if suspect.line is not None:
        axes.plot([suspect.line], [y], "|", color=look.ink, markersize=8)


def _labels(axes: Axes, labels: Sequence[str], narrow: bool) -> None:
    axes.tick_params(axis="y", length=0)
    if not narrow:
        axes.set_yticks(range(len(labels)), labels)
        return
    axes.set_yticks([])
    for y, label in enumerate(labels):
        axes.text(0, y - 0.42, label, transform=axes.get_yaxis_transform(), va="center", fontsize=8)


def _line(axes: Axes, strip: Strip, look: Look, narrow: bool) -> None:
    """Shade what is called derived, and say so above, with the rate."""
    edge = strip.line
    scores = [x for _, of in strip.lineages for x in of] + [one.score for one in strip.suspects]
    low, high = min(0.0, *scores), max(scores)
    reach = (high - low) or 1
    room = 0.03 * reach
    rate = "" if narrow else f": at most {100 * strip.rate:.2g}% of unrelated models"
    if edge < low - reach:
        axes.set_xlim(low - room, high + room)
        axes.set_title(f"derived lies farther left{rate}", loc="left", fontsize="medium")
        return
    low = min(low, edge)
    axes.set_xlim(low - room, high + room)
    axes.axvline(edge, color=look.ink, linewidth=1, linestyle=(0, (4, 2)))
    axes.axvspan(low - room, edge, color=look.colour("derived"), alpha=0.08, linewidth=0)
    on_the_left = edge - low < (high - low) / 2
    axes.annotate(
        f"← derived{rate}",
        (edge, 1),
        xycoords=("data", "axes fraction"),
        xytext=(2 if on_the_left else -2, 3),
        textcoords="offset points",
        ha="left" if on_the_left else "right",
        color=look.ink,
        annotation_clip=False,
    )
