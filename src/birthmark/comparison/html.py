"""A comparison as a table for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from birthmark.common.errors import one_line
from birthmark.comparison.row import Row


def html_table(caption: str, rows: Sequence[Row]) -> str:
    """A table without styles of its own; every name from outside is escaped."""
    head = "".join(
        f"<th scope='col'>{name}</th>"
        for name in ("fingerprint", "suspect", "verdict", "p", "score", "references")
    )
    body = []
    for row in rows:
        cells = [
            one_line(row.fingerprint, 60),
            one_line(row.suspect, 60),
            str(row.verdict) if row.verdict else one_line(row.problem or "", 200),
            "" if row.p_value is None else f"{row.p_value:.3g}",
            "" if row.score is None else f"{row.score:.3g}",
            str(row.references),
        ]
        body.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table>"
    )
