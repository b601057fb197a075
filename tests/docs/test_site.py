"""The documentation site builds strictly: every page has its place, every link leads somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from birthmark.models.adapters.base import ADAPTERS
from birthmark.probes import PROBES
from birthmark.scores import SCORES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir"]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        [*command, str(out)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_every_page_is_in_it(site: Path) -> None:
    for page in [*(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").rglob("*.md")]:
        name = page.relative_to(ROOT).with_suffix("").as_posix().removeprefix("docs/")
        name = name.removesuffix("README").removesuffix("/")
        assert (site / name / "index.html").exists(), name


def test_the_api_is_described(site: Path) -> None:
    text = (site / "reference" / "fingerprint" / "index.html").read_text("utf-8")
    assert "Put the probes to a suspect and judge its answers" in text
    assert 'id="birthmark.fingerprint.Fingerprint.audit"' in text
    inside = (site / "reference" / "models" / "adapters" / "index.html").read_text("utf-8")
    assert 'id="birthmark.models.adapters.base.Suspect"' in inside


def test_every_plugin_and_command_is_told(site: Path) -> None:
    plugins = (site / "plugins" / "index.html").read_text("utf-8")
    for registry in (PROBES, SCORES, ADAPTERS):
        for plugin in registry.plugins():
            assert f"<code>{plugin.example}</code>" in plugins, plugin.example
    commands = (site / "commands" / "index.html").read_text("utf-8")
    assert 'id="birthmark-audit"' in commands
    assert "--max-cost" in commands


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    fetched = re.compile(
        r"<(?:script|img)[^>]+src=\"?(https?:[^\">]+)|<link[^>]+stylesheet[^>]+href=\"?(https?:[^\">]+)"
    )
    for page in (site / "index.html", site / "tutorial" / "index.html"):
        assert not fetched.findall(page.read_text("utf-8"))
