"""A tiny zoo of each plan that comes with the package, on the real images."""

from __future__ import annotations

from pathlib import Path

import pytest

import world
from birthmark.zoo.answers import read_answers
from birthmark.zoo.plan import names, open_plan

pytest.importorskip("torch", reason="zoos need torch")

from birthmark.zoo.answers.survey import answer_zoo
from birthmark.zoo.builder import build_zoo
from birthmark.zoo.builder.members import members


@pytest.mark.parametrize("name", names())
def test_tiny_zoos_are_built_and_asked(name: str, tmp_path: Path) -> None:
    plan = open_plan(name).scaled("tiny")
    for source in (plan.images.source, plan.transfer.source, plan.foreign.source):
        if not (world.DATA / source).exists():
            pytest.skip(f"{world.DATA / source} is not there")
    built = build_zoo(plan, world.DATA, tmp_path / name)
    assert not built.failures
    assert len(built.records) == len(members(plan))
    answer_zoo(tmp_path / name, tmp_path / "tiny.answers")
    recorded = read_answers(tmp_path / "tiny.answers")
    for record in recorded.records:
        said = recorded.outputs(record.name, "jpeg25")
        assert len(said) == len(recorded.labels("jpeg25")) >= 2
