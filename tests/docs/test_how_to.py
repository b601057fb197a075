"""Every command and Python block of the how-to pages runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pages import RUNNABLE, name_of, run_page


@pytest.mark.parametrize(
    "page", [page for page in RUNNABLE if page.parent.name == "how-to"], ids=name_of
)
def test_commands_run(page: Path, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(files / "cache"))
    run_page(page, files)
