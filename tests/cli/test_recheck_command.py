from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import world
from birthmark import Fingerprint, ImageSet, as_suspect
from birthmark.cli.recheck import recheck

app = typer.Typer()
app.command()(recheck)

SOURCES = ["v.birthmark", "--model", "victim.onnx", "--images", "images"]


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == code, done.stdout
    return done.stdout


@pytest.fixture
def enrolled(files: Path) -> Path:
    victim = as_suspect(files / "victim.onnx", lineage="linear")
    Fingerprint.enroll(victim, files / "images", files / "references", n=30).save(
        files / "v.birthmark"
    )
    return files


def test_a_line_a_check(enrolled: Path) -> None:
    lines = run(*SOURCES, "--models", "references").splitlines()
    assert [line[:13].strip() for line in lines] == ["ok"] * 7 + ["not checked"]
    lines = run(*SOURCES, "--control", "other.onnx").splitlines()
    assert [line[:13].strip() for line in lines] == ["ok"] * 6 + ["not checked"] * 2 + ["ok"]
    assert lines[-1].startswith("ok           controls: Of 1 models")
    next((enrolled / "images" / "3").glob("*.png")).unlink()
    said = run(*SOURCES, code=3)
    assert "DEVIATES     image set: 399 images" in said
    assert "DEVIATES     probes: 30 of 30" in said


def test_json_and_labels(enrolled: Path) -> None:
    read: dict[str, Any] = json.loads(run(*SOURCES, "--json"))
    assert read["passed"]
    assert len(read["checks"]) == 8
    victim = as_suspect(enrolled / "victim.onnx", world.DECLARED)
    bare = ImageSet.open(enrolled / "images").without_labels()
    Fingerprint.enroll(victim, bare, enrolled / "references", n=30).save(enrolled / "v.birthmark")
    run(*SOURCES, "--no-labels")
    read = json.loads(run(*SOURCES, "--json", code=3))
    assert not read["passed"]
