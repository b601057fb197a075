"""Ctrl-C ends a command with a sentence: what is kept, or that nothing was written."""

from __future__ import annotations

import sys

import pytest
import typer

import birthmark.cli.main as cli


@pytest.mark.parametrize("said", ["stopped; what was answered is kept", ""])
def test_ctrl_c_says_what_is_kept(
    said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer()

    @app.command()
    def interrupted() -> None:
        raise KeyboardInterrupt(said) if said else KeyboardInterrupt

    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(sys, "argv", ["birthmark"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    expected = said or "stopped; nothing was written"
    assert capsys.readouterr().err == f"birthmark: {expected}\n"
