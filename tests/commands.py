"""A command in this process, which is quicker."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from birthmark.cli.main import main


@dataclass(frozen=True)
class Done:
    stdout: str
    stderr: str


def run(*arguments: str, code: int = 0, cwd: Path | None = None) -> Done:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["birthmark", *arguments])
        if cwd is not None:
            patch.chdir(cwd)
        with pytest.raises(SystemExit) as exit_:
            main()
    assert (exit_.value.code or 0) == code, err.getvalue()
    assert "Traceback" not in err.getvalue()
    return Done(out.getvalue(), err.getvalue())
