"""The documentation site: pages from all over the repository, and one a module from docstrings."""

from __future__ import annotations

import posixpath
import re
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
    for module in _modules():
        content = f"# {module}\n\n" + "".join(f"::: {name}\n\n" for name in _within(module))
        files.append(File.generated(config, f"reference/{module}.md", content=content))
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
        return [{name: f"reference/{name}.md"} for name in _modules()]
    if not entry.endswith("/"):
        return entry
    inside = [path for path in _outside() if _outside()[path].startswith(entry)]
    inside += sorted((ROOT / "docs" / entry).rglob("*.md"))
    return [str(_named(path)) for path in inside]


def _modules() -> list[str]:
    """The rooms: modules and packages right below `birthmark`."""
    names = {path.stem for path in PACKAGE.glob("*.py")} | {
        path.parent.name for path in PACKAGE.glob("*/__init__.py")
    }
    return sorted(name for name in names if name not in INTERNAL and not name.startswith("__"))


def _within(module: str) -> list[str]:
    """The dotted names of a room's modules that hold something public."""
    folder = PACKAGE / module
    if not folder.is_dir():
        return [f"birthmark.{module}"]
    inside = sorted(path for path in folder.rglob("*.py") if path.stem != "__init__")
    dotted = [path.relative_to(PACKAGE).with_suffix("").as_posix() for path in inside]
    return [f"birthmark.{name.replace('/', '.')}" for name in dotted]
