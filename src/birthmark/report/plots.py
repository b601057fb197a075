"""The report's pictures: the same bytes for the same input."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from birthmark.audit.result import Result
from birthmark.report.sentences import typical, varies
from birthmark.showing.strip import Strip, Suspected

MOST_ROWS = 60
MOST_LINEAGES = 30
LEAST_PIXELS = 450


def strip(results: Sequence[Result]) -> Strip:
    """What a strip plot shows of results of one fingerprint at one alpha, in this order."""
    shown = typical(results)
    moving = varies(results)
    return Strip(
        suspects=[
            Suspected(one.suspect.name, one.verdict, one.score, one.threshold if moving else None)
            for one in results
        ],
        lineages=_lineages(shown),
        line=shown.threshold,
        rate=shown.false_positive_rate,
    )


def _lineages(result: Result) -> list[tuple[str, list[float]]]:
    lineages = result.by_lineage()
    if len(lineages) <= MOST_LINEAGES:
        return lineages
    shown, rest = lineages[: MOST_LINEAGES - 1], lineages[MOST_LINEAGES - 1 :]
    return [*shown, (f"{len(rest)} more lineages", [x for _, scores in rest for x in scores])]


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
