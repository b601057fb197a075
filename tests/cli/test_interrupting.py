"""Ctrl-C and wrong command lines end in a sentence."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import pytest
import typer

import birthmark.cli.main as cli


@pytest.mark.parametrize("said", ["stopped; the answers so far are kept", ""])
def test_ctrl_c_says_what_is_kept(
    said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer()

    @app.command()
    def interrupted(json_: Annotated[bool, typer.Option("--json")] = False) -> None:  # noqa: ARG001
        raise KeyboardInterrupt(said) if said else KeyboardInterrupt

    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(sys, "argv", ["birthmark"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    expected = said or "stopped; nothing was written"
    assert capsys.readouterr().err == f"birthmark: {expected}\n"
    monkeypatch.setattr(sys, "argv", ["birthmark", "--json"])
    with pytest.raises(SystemExit):
        cli.main()
    assert json.loads(capsys.readouterr().out)["error"]["problem"] == expected


@pytest.mark.parametrize(
    ("arguments", "subject", "problem"),
    [
        (["audit", "--bogus"], "audit", "No such option: --bogus"),
        (["audit"], "audit", "Missing argument"),
        (["bogus"], "arguments", "No such command 'bogus'"),
        (["zoo", "bogus"], "zoo", "No such command 'bogus'"),
    ],
)
def test_a_wrong_command_line_is_one_line(
    arguments: list[str],
    subject: str,
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["birthmark", *arguments, "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.err.startswith(f"birthmark: {subject}: {problem}")
    assert said.err.count("\n") == 1
    assert json.loads(said.out)["error"]["subject"] == subject
