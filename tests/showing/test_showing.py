"""Results in notebooks: a card, a table, a plot."""

from __future__ import annotations

import builtins
import sys
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import world
from birthmark import BirthmarkError, Fingerprint, Result

HOSTILE = "<script>alert(1)</script>"


class Tags(HTMLParser):
    """Collects tags and requires that they are closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str | None] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.open.append(tag)
        names = {"src", "href", "xlink:href"}
        self.addresses += [value for name, value in attrs if name in names]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def result(fingerprint: Fingerprint) -> Result:
    found = fingerprint.audit(world.as_digits(world.thief(), name=HOSTILE))
    return found.model_copy(update={"findings": [f"Seen: {HOSTILE}"]})


def test_a_result_is_a_card(result: Result) -> None:
    text = result._repr_html_()
    tags = Tags(text)
    assert tags.seen.count("svg") == 1
    assert not {"script", "style", "metadata", "iframe"} & set(tags.seen)
    assert all((address or "").startswith("#") for address in tags.addresses)
    assert "<script" not in text
    assert "▲" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; is closer to victim than all" in text
    assert "Seen: &lt;script" in text
    assert 'role="img"' in text
    assert text == result._repr_html_()


def test_a_fingerprint_is_a_card(fingerprint: Fingerprint) -> None:
    text = fingerprint._repr_html_()
    assert set(Tags(text).seen) == {"div", "table", "caption", "tr", "th", "td"}
    assert "20: 5 lda, 5 linear, 5 ridge, 5 smooth; the victim started from random" in text


def test_to_frame(result: Result) -> None:
    pytest.importorskip("pandas", reason="tables need pandas")
    table = result.to_frame()
    assert list(table.columns) == ["role", "name", "lineage", "score", "as_close"]
    assert list(table["role"]) == ["suspect"] + ["reference"] * 20
    assert table["score"][0] == result.score
    assert table["score"][1:].is_monotonic_increasing
    assert int(table["as_close"][1:].sum()) == result.as_close == 0


def test_to_frame_without_pandas(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BirthmarkError, match="needs pandas; run `pip install pandas`"):
        result.to_frame()


def test_plot(result: Result) -> None:
    from matplotlib import pyplot
    from matplotlib.figure import Figure

    own = Figure().add_subplot()
    assert result.plot(own) is own
    drawn = [tuple(np.ravel(line.get_xdata())) for line in own.lines]
    assert (result.score,) in drawn
    assert {tuple(of) for _, of in result.by_lineage()} <= set(drawn)
    assert (result.threshold, result.threshold) in drawn
    texts = [text.get_text() for text in own.texts]
    assert "← derived: at most 1% of unrelated models" in texts
    made = result.plot()
    assert made.figure is pyplot.gcf()
    pyplot.close("all")


def test_a_line_far_from_all_models_does_not_squeeze_them(result: Result) -> None:
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    far = result.model_copy(update={"alpha": 1e-30})
    assert far.threshold < -10
    far.plot(axes)
    assert axes.get_title(loc="left") == (
        "derived lies farther left: at most 1% of unrelated models"
    )
    assert axes.get_xlim()[0] > -1


def test_cards_need_no_pandas(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def refusing(name: str, *rest: Any, **named: Any) -> Any:
        assert name != "pandas"
        return imported(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refusing)
    assert result._repr_html_()
