"""The same model, the same model with another number, and another model."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

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
    sealed: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setattr(sys, "argv", ["birthmark", "drift", str(sealed), "--model", model])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == code
    assert words in capsys.readouterr().out
