"""Running the commands and Python blocks of a page."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import commands
import world

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
RUNNABLE = [page for page in PAGES if BLOCK.search(page.read_text())]
NEEDS_IMAGES = "--data data"


def name_of(page: Path) -> str:
    """Its path in the repository."""
    return str(page.relative_to(ROOT))


def run_page(page: Path, files: Path) -> None:
    """In a folder with victim.onnx, suspect.onnx, images/, references/ and birthmark.toml.

    Commands of pages in docs/ run in this process, those of the README in their own. A line that
    ends with & goes on in the background until the page is through.
    """
    if NEEDS_IMAGES in page.read_text():
        if not world.DATA.exists():
            pytest.skip(f"{world.DATA} is not there")
        (files / "data").symlink_to(world.DATA.resolve())
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    started: list[subprocess.Popen[str]] = []
    try:
        run_all(page, files, environment, started)
    finally:
        for one in started:
            one.kill()
            one.communicate()


def run_all(
    page: Path, files: Path, environment: dict[str, str], started: list[subprocess.Popen[str]]
) -> None:
    for kind, block in BLOCK.findall(page.read_text()):
        if kind == "python":
            run([sys.executable, "-c", block], files, environment)
        for line in block.splitlines():
            if kind == "console" and line.startswith("$ ") and line.endswith(" &"):
                started.append(start(shlex.split(line[2:-2]), files, environment))
            elif kind == "console" and line.startswith("$ "):
                command = shlex.split(line[2:], comments=True)
                if command[0] == "birthmark" and page.parent != ROOT:
                    commands.run(*command[1:], cwd=files)
                    continue
                if command[0] == "make":
                    command += ["-C", str(ROOT), f"OUT={files / 'made'}"]
                    if command[1] == "test" or not (ROOT / ".venv" / "core").exists():
                        command.append("--dry-run")
                run(command, files, environment)


def start(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Until it says its first line, which a server does when it listens."""
    one = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert one.stdout is not None
    said = one.stdout.readline()
    assert said.startswith("Serving "), said + one.stdout.read()
    return one


def run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
