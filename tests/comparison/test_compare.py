"""Suspects by fingerprints: a table, a map, and the forms they take."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import world
from birthmark import BirthmarkError, Fingerprint
from birthmark.comparison import Comparison, compare
from birthmark.comparison.compare import in_the_plane
from birthmark.comparison.suspects import open_suspects
from birthmark.report.folder import write_audit


@pytest.fixture(scope="module")
def fingerprints() -> dict[str, Fingerprint]:
    other = world.fingerprint_of_digits(method="sac-jc")
    return {"ours": world.fingerprint_of_digits(), "other": other}


@pytest.fixture(scope="module")
def comparison(fingerprints: dict[str, Fingerprint]) -> Comparison:
    suspects: list[Any] = [
        world.as_digits(world.innocent(25), name="innocent <b>", lineage="linear"),
        world.as_digits(world.thief(), name="thief", lineage="linear"),
        world.answering(lambda _: 1 / 0),
    ]
    return compare(fingerprints, suspects)


def test_each_suspect_has_a_row_for_each_fingerprint(comparison: Comparison) -> None:
    rows = [(row.fingerprint, row.suspect, row.verdict) for row in comparison.rows]
    assert rows[0] == ("ours", "thief", "derived")
    assert [row[:2] for row in rows[3:5]] == [("other", "thief"), ("other", "innocent <b>")]
    assert len(rows) == 6
    assert rows[2] == ("ours", "suspect", None)
    assert "failed on an image" in str(comparison.rows[2].problem)


def test_a_map_puts_the_thief_beside_the_victim(comparison: Comparison) -> None:
    points = {point.name: point for point in comparison.maps[0].points}
    victim = points["victim"]
    apart = {
        name: np.hypot(point.x - victim.x, point.y - victim.y) for name, point in points.items()
    }
    del apart["victim"]
    assert min(apart, key=lambda name: apart[name]) == "thief"
    assert len(comparison.maps[0].points) == 20 + 3
    assert 0 < comparison.maps[0].stress < 1


def test_a_plane_shows_what_lies_in_one() -> None:
    places = np.random.default_rng(0).normal(size=(9, 2))
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    shown, stress = in_the_plane(apart)
    assert stress < 1e-3
    again = np.linalg.norm(shown[:, None] - shown[None], axis=2)
    assert np.allclose(again, apart, atol=1e-2)
    assert shown[0, 0] < 0
    assert abs(shown[0, 1]) < 1e-9


def test_its_forms_hold_the_same(comparison: Comparison) -> None:
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison
    rows = list(csv.DictReader(io.StringIO(comparison.to_csv())))
    assert [row["suspect"] for row in rows] == [row.suspect for row in comparison.rows]
    assert float(rows[0]["p_value"]) == comparison.rows[0].p_value
    html = comparison._repr_html_()
    assert "<b>" not in html
    assert "innocent &lt;b&gt;" in html
    pandas = pytest.importorskip("pandas")
    frame = comparison.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["suspect"].tolist() == [row.suspect for row in comparison.rows]


def test_its_picture_names_suspects(comparison: Comparison) -> None:
    figure = comparison.plot()
    assert len(figure.axes) == 2
    named = [text.get_text() for text in figure.axes[0].texts]
    assert named[0] == "victim"
    assert "thief" in named


def test_nothing_to_compare_is_said(fingerprints: dict[str, Fingerprint]) -> None:
    with pytest.raises(BirthmarkError, match="there are no suspects"):
        compare(fingerprints, [])
    with pytest.raises(BirthmarkError, match="there are no fingerprints"):
        compare({}, [world.as_digits(world.thief())])


def test_what_an_audit_left_is_compared_by_its_suspects_name(
    fingerprints: dict[str, Fingerprint], tmp_path: Path
) -> None:
    ours = fingerprints["ours"]
    suspect = world.as_digits(world.thief(), name="thief", lineage="linear")
    audited = ours.audit_with_answers(suspect)
    write_audit(ours.bundle, audited, tmp_path / "audit")
    (opened,) = open_suspects([str(tmp_path / "audit")], {})
    assert opened.description.name == "thief"
    (row,) = compare({"ours": ours}, [opened]).rows
    assert (row.verdict, row.score) == (audited.result.verdict, audited.result.score)
    (tmp_path / "audit" / "result.json").write_text(json.dumps({"verdict": "derived"}))
    with pytest.raises(BirthmarkError, match=r"result\.json"):
        open_suspects([str(tmp_path / "audit")], {})


def test_a_file_that_is_no_model_does_not_keep_the_others_from_being_compared(
    fingerprints: dict[str, Fingerprint], files: Path
) -> None:
    (files / "references" / "linear" / "broken.onnx").write_bytes(b"no")
    opened = open_suspects(["references"], {})
    assert len(opened) == 21
    rows = compare({"ours": fingerprints["ours"]}, opened).rows
    assert [row.suspect for row in rows if row.verdict is None] == ["broken.onnx"]
    assert "is not a readable ONNX model" in str(rows[-1].problem)
    with pytest.raises(BirthmarkError, match="is not a readable ONNX model"):
        open_suspects(["references/linear/broken.onnx"], {})
    with pytest.raises(BirthmarkError, match="does not exist"):
        open_suspects(["suspect.onnx", "suspects.onnx"], {})


def test_a_map_that_distorts_says_so(comparison: Comparison) -> None:
    maps = [comparison.maps[0].model_copy(update={"stress": 0.31}), comparison.maps[1]]
    poor = comparison.model_copy(update={"maps": maps})
    assert [note for note in poor.notes if "distorts distances (stress 0.31" in note]
    assert "table" in poor.plot().axes[0].get_xlabel()
