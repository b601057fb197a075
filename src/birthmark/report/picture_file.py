"""Pictures to files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from birthmark.common.files import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_picture(figure: Figure, out: Path) -> None:
    """Write a figure to a PNG, SVG or other file, by its name; an SVG holds no date.

    Raises
    ------
    BirthmarkError
        If it can't be written.
    """
    kind = out.suffix.removeprefix(".") or "png"
    with whole_file(out) as passing:
        figure.savefig(
            passing, format=kind, dpi=110, metadata={"Date": None} if kind == "svg" else None
        )
