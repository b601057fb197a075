"""Short HTML cards for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from birthmark.common.errors import one_line
from birthmark.showing.marks import LIGHT, MARKS

FRAME = (
    f"background:{LIGHT.paper};color:{LIGHT.ink};border:1px solid {LIGHT.pale};border-radius:6px;"
    "padding:.8rem 1rem;max-width:56rem;line-height:1.45;overflow-wrap:anywhere"
)


def verdict_card(
    verdict: str, sentence: str, findings: Sequence[str], picture: str, details: str
) -> str:
    """A verdict, its sentence, a picture and what was found; no script.

    Parameters
    ----------
    verdict
        derived, independent or inconclusive.
    sentence, findings, details
        Text; escaped here.
    picture
        HTML, as it is.
    """
    mark = MARKS[verdict]
    found = "".join(f"<li>{_text(one)}</li>" for one in findings)
    return (
        f'<div style="{FRAME}">'
        f'<p style="margin:0 0 .4rem;font-weight:600;color:{mark.colour}">'
        f'<span aria-hidden="true">{mark.text}</span> {_text(verdict)}</p>'
        f'<p style="margin:0 0 .6rem">{_text(sentence)}</p>{picture}'
        + (f'<p style="margin:.6rem 0 0">Findings:</p><ul>{found}</ul>' if found else "")
        + f'<p style="margin:.6rem 0 0;color:{LIGHT.grey};font-size:.9em">{_text(details)}</p>'
        "</div>"
    )


def facts_card(title: str, facts: Sequence[tuple[str, str]]) -> str:
    """A title and a table of names and values, all of them escaped."""
    head = 'style="text-align:left;padding:.1rem 1rem .1rem 0;font-weight:600;vertical-align:top"'
    cell = 'style="text-align:left;padding:.1rem 0"'
    rows = "".join(
        f'<tr><th scope="row" {head}>{_text(name)}</th><td {cell}>{_text(value)}</td></tr>'
        for name, value in facts
    )
    caption = f'<caption style="text-align:left;font-weight:600">{_text(title)}</caption>'
    return f'<div style="{FRAME}"><table style="border:0">{caption}{rows}</table></div>'


def _text(text: str) -> str:
    return escape(one_line(text, 2000))
