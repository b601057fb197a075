"""The design is as the imports are, its picture and its table."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| \d+ \*\*(\w+)\*\* \|", re.MULTILINE)


def test_the_picture_is_drawn_from_the_imports(tmp_path: Path) -> None:
    pytest.importorskip("grimp")
    drawn = tmp_path / "rooms.svg"
    script = ROOT / "docs" / "draw_rooms.py"
    subprocess.run([sys.executable, str(script), "--write", str(drawn)], check=True)
    same = drawn.read_text() == (ROOT / "docs" / "rooms.svg").read_text()
    assert same, "rooms import one another otherwise than drawn; run make picture"


def test_every_room_has_its_line_in_order() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    floors = contracts["contracts"][0]["layers"]
    order = [room for floor in reversed(floors) for room in sorted(floor.split(" | "))]
    assert ROW.findall((ROOT / "docs" / "design.md").read_text()) == order
