"""The same model, the same model with another number, and another model."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import world
from birthmark import Fingerprint, as_suspect
from birthmark.cli.main import main


@pytest.mark.parametrize(
    ("model", "code", "words"),
    [("victim.onnx", 0, "Unchanged: all"), ("other.onnx", 3, "answers moved, ")],
)
def test_drift(
    model: str,
    code: int,
    words: str,
    files: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(files)
    victim = as_suspect(files / "victim.onnx", world.DECLARED, lineage="linear")
    enrolled = Fingerprint.enroll(
        victim, world.image_set(), world.references(4), n=40, start="random"
    )
    enrolled.save(tmp_path / "v.birthmark")
    asked = ["birthmark", "drift", str(tmp_path / "v.birthmark"), "--model", model]
    monkeypatch.setattr(sys, "argv", asked)
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == code
    assert words in capsys.readouterr().out
