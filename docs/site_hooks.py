"""The documentation site: pages from all over the repository, and those written from the source.

From docstrings comes a page for each room, from the registries a table of plugins, and from the
command line a page of all commands.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
OUTSIDE = ("*.md", "benchmarks/**/*.md", "examples/**/*.md")
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")
PACKAGE = ROOT / "src" / "birthmark"
INTERNAL = ("cli", "__main__")
KINDS = {
    "Probes": "probes",
    "Scores": "scores",
    "Ways to reach a model": "models/adapters",
    "Networks": "training/nets",
    "Recipes": "zoo/recipes",
    "Disguises": "zoo/disguises",
    "Sets of images": "zoo/images/sources",
    "Engines": "training/engines",
}
HOW_TO = {
    "callable": "python-function",
    "factory": "torch",
    "open_inference": "servers",
    "recorded": "recorded-answers",
    "saved_model": "keras",
    "sklearn_estimator": "scikit-learn",
    "template": "any-api",
    "tf_serving": "servers",
    "torch_export": "torch",
    "torch_module": "torch",
    "torchscript": "torch",
}
"""Where an adapter is told of, if its page is not called as it is."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill in the navigation's folders."""
    config.nav = [_filled(entry) for entry in config.nav or []]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside `docs`, and those of the API."""
    for path, name in _outside().items():
        files.append(File.generated(config, name, content=path.read_text("utf-8")))
    written = {"plugins.md": _plugins(), "commands.md": _commands()}
    for name, content in (_references() | written).items():
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
        filled = [_filled(value) for value in entry]
        return [one for some in filled for one in (some if isinstance(some, list) else [some])]
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


def _plugins() -> str:
    """Everything that can be plugged in: a table for each kind, from what its modules register."""
    text = "# Everything that can be plugged in\n\n"
    text += "Each is one file. [How to add one](../CONTRIBUTING.md#where-a-new-thing-goes).\n"
    for kind, folder in KINDS.items():
        text += f"\n## {kind}\n\n| name | what it is |\n|---|---|\n"
        for path in sorted((PACKAGE / folder).glob("*.py")):
            module = ast.parse(path.read_text("utf-8"))
            about = (ast.get_docstring(module) or "").partition("\n")[0]
            for name in _registered(module):
                text += f"| [`{name}`]({_told_in(folder, path.stem, name)}) | {about} |\n"
    return text


def _registered(module: ast.Module) -> list[str]:
    """The example names of the plugins that a module registers."""
    calls = [one for one in ast.walk(module) if isinstance(one, ast.Call)]
    return [
        ast.literal_eval(named.value)
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "register"
        for named in call.keywords
        if named.arg == "example"
    ]


def _told_in(folder: str, module: str, name: str) -> str:
    """The page and heading where a plugin is described."""
    if folder == "models/adapters":
        return f"how-to/{HOW_TO.get(module, module.replace('_', '-'))}.md"
    if folder not in ("probes", "scores"):
        return "zoo.md"
    page = (ROOT / "docs" / f"{folder}.md").read_text("utf-8")
    for heading in re.findall(r"^##+ (.*)$", page, re.MULTILINE):
        if _stem(name) in map(_stem, re.findall("`([^`]+)`", heading)):
            kept = re.sub(r"[^\w\s-]", "", heading).lower()
            return f"{folder}.md#" + re.sub(r"[-\s]+", "-", kept)
    raise ValueError(f"docs/{folder}.md has no heading for {name}")


def _stem(name: str) -> str:
    """A plugin's name up to its first number, or the capital that stands for one."""
    return re.split("[A-Z0-9]", name, maxsplit=1)[0]


def _commands() -> str:
    """Every command with its help, arguments and options."""
    from birthmark.cli.main import app

    root: Any = typer.main.get_command(app)
    text = "# Commands\n\n`birthmark COMMAND --help` says the same.\n"
    for name, command in root.commands.items():
        for path, one in _leaves(f"birthmark {name}", command):
            text += f"\n## `{path}`\n\n{_plain(one.help)}\n\n| option | meaning |\n|---|---|\n"
            for each in one.params:
                if not getattr(each, "hidden", False):
                    named = ", ".join(each.opts + each.secondary_opts)
                    named = named.upper() if each.param_type_name == "argument" else named
                    text += f"| `{named}` | {_plain(each.help).replace('|', '&#124;')} |\n"
    return text


def _leaves(path: str, command: Any) -> list[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        return [(path, command)]
    found = command.commands.items()
    return [leaf for name, one in found for leaf in _leaves(f"{path} {name}", one)]


def _plain(text: str | None) -> str:
    """Help as one paragraph, in which nothing is taken for markup."""
    said = " ".join((text or "").replace("\\[", "[").replace("\b", " ").split())
    return re.sub(r"([<>*_\[\]])", r"\\\1", said)
