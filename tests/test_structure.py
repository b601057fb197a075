"""Modules can be read one after the other, and in one sitting each."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import birthmark

PACKAGE = Path(birthmark.__file__).parent
LONGEST = 400


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """All modules of ours that a file names, in functions and for type checkers too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for one in node.names:
                inner = f"{node.module}.{one.name}"
                yield inner if inner in known else node.module


def test_imports_go_in_no_circle() -> None:
    known = modules()
    graph = {name: set(imported(path, known)) - {name} for name, path in known.items()}
    assert sum(map(len, graph.values())) > len(graph)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_what_people_see_is_shown_by_the_terminal_alone() -> None:
    """Commands print JSON in ASCII themselves; `say` shows a stranger's text without obeying it."""
    raw = []
    for path in (PACKAGE / "cli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
                shown = ast.unparse(node.args[0])
                if not shown.startswith("json.dumps(") and path.name != "terminal.py":
                    raw.append((path.name, shown))
    assert raw == []


def test_no_file_is_long() -> None:
    data = {".json", ".pyc", ".toml"}
    files = [one for one in PACKAGE.rglob("*") if one.is_file() and one.suffix not in data]
    lines = {path.relative_to(PACKAGE): len(path.read_text().splitlines()) for path in files}
    assert {path: count for path, count in lines.items() if count > LONGEST} == {}
