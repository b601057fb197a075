from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from birthmark import Fingerprint
from birthmark.audit.verdict import Verdict
from birthmark.demo import Story, tell, write_story
from birthmark.demo.story import STOLEN_AND_NOT


@pytest.fixture(scope="module")
def story() -> Story:
    return tell(seed=0)


def test_the_demo_tells_most_thieves_from_innocents(story: Story) -> None:
    """Nothing is scripted, so a bound and not a table: 5 of 7 thieves, 1 false alarm at most."""
    verdicts: dict[str, list[Any]] = {"stolen": [], "independent": []}
    for audited in story.audits:
        verdicts[story.truths[audited.result.suspect.name]].append(audited.result.verdict)
    assert len(story.audits) == STOLEN_AND_NOT
    assert verdicts["stolen"].count(Verdict.DERIVED) >= 5
    assert verdicts["independent"].count(Verdict.DERIVED) <= 1
    assert "misses included" in story.summary


def test_its_files_can_be_audited_again(story: Story, tmp_path: Path) -> None:
    write_story(story, tmp_path / "demo")
    told = json.loads((tmp_path / "demo" / "result.json").read_text())
    assert len(told["suspects"]) == STOLEN_AND_NOT
    opened = Fingerprint.open(tmp_path / "demo" / "digits.birthmark")
    for row in told["suspects"]:
        name = row["result"]["suspect"]["name"]
        again = opened.audit(tmp_path / "demo" / "answers" / f"{name}.safetensors")
        assert again.p_value == row["result"]["p_value"]
        assert again.fingerprint == row["result"]["fingerprint"]
    report = (tmp_path / "demo" / "report.html").read_text()
    assert all(name in report for name in story.truths)
