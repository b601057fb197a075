"""The documentation site: pages from all over the repository, and one a room from docstrings."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
OUTSIDE = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "benchmarks/**/*.md", "examples/**/*.md")
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")
PACKAGE = ROOT / "src" / "birthmark"
INTERNAL = ("cli", "__main__")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill in the navigation's folders."""
    config.nav = [_filled(entry) for entry in config.nav or []]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside `docs`, and those of the API."""
    for path, name in _outside().items():
        files.append(File.generated(config, name, content=path.read_text("utf-8")))
    for name, content in _references().items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Let links that are right in the repository be right in the site."""
    here = page.file.src_uri
    at = next((path for path, name in _outside().items() if name == here), ROOT / "docs" / here)

    def moved(match: re.Match[str]) -> str:
        picture, text, target, anchor = match.groups()
        path = (at.parent / target).resolve()
        name = _named(path)
        if name is None or files.get_file_from_path(name) is None:
            return str(text)
        there = posixpath.relpath(name, posixpath.dirname(here) or ".")
        return f"{picture}[{text}]({there}{anchor or ''})"

    return LINK.sub(moved, markdown)


def _outside() -> dict[Path, str]:
    paths = [path for pattern in OUTSIDE for path in sorted(ROOT.glob(pattern))]
    return {path: str(_named(path)) for path in paths}


def _named(path: Path) -> str | None:
    """A file's name in the site."""
    if not path.is_relative_to(ROOT):
        return None
    name = path.relative_to(ROOT).as_posix()
    return "index.md" if name == "README.md" else name.removeprefix("docs/")


def _filled(entry: Any) -> Any:
    if isinstance(entry, dict):
        return {title: _filled(value) for title, value in entry.items()}
    if isinstance(entry, list):
        return [_filled(value) for value in entry]
    if entry == "reference/":
        return [_room_entry(room) for room in _rooms()]
    if not entry.endswith("/"):
        return entry
    inside = [path for path in _outside() if _outside()[path].startswith(entry)]
    inside += sorted((ROOT / "docs" / entry).rglob("*.md"))
    return [str(_named(path)) for path in inside]


def _room_entry(room: str) -> Any:
    parts = _packages(PACKAGE / room)
    if not parts:
        return {room: _page(room)}
    return {room: [_page(room), *({part: f"reference/{room}/{part}.md"} for part in parts)]}


def _rooms() -> list[str]:
    """Modules and packages right below `birthmark`."""
    names = [path.stem for path in PACKAGE.glob("*.py")] + _packages(PACKAGE)
    return sorted(name for name in names if name not in INTERNAL and not name.startswith("__"))


def _packages(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob("*/__init__.py"))


def _references() -> dict[str, str]:
    """Each page of the API, a room or a package in one, and what stands on it."""
    pages = {}
    for room in _rooms():
        parts = _packages(PACKAGE / room)
        pages[_page(room)] = _described(room, parts)
        pages |= {f"reference/{room}/{part}.md": _described(f"{room}/{part}") for part in parts}
    return pages


def _page(room: str) -> str:
    """A room's page: an index where packages in it have pages too."""
    return f"reference/{room}/index.md" if _packages(PACKAGE / room) else f"reference/{room}.md"


def _described(name: str, elsewhere: Sequence[str] = ()) -> str:
    """A heading, what the package is for, links to its packages, and all that is in its modules."""
    folder = PACKAGE / name
    text = f"# {name.rpartition('/')[2]}\n\n"
    if not folder.is_dir():
        return f"{text}::: birthmark.{name}\n"
    told = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""
    links = [f"- [{part}]({part}.md)\n" for part in elsewhere]
    inside = sorted(path.relative_to(PACKAGE) for path in folder.glob("*.py"))
    modules = [".".join(path.with_suffix("").parts) for path in inside if path.stem != "__init__"]
    return f"{text}{told}\n\n{''.join(links)}\n" + "".join(
        f"::: birthmark.{module}\n\n" for module in modules
    )
