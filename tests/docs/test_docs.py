"""Every command and Python block in the docs runs; every plugin is told of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from birthmark.probes import PROBES
from birthmark.scores import SCORES
from pages import PAGES, ROOT, RUNNABLE, name_of, run_page

LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


@pytest.mark.parametrize(
    "page", [page for page in RUNNABLE if page.parent.name != "how-to"], ids=name_of
)
def test_commands_run(page: Path, files: Path) -> None:
    run_page(page, files)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_probe_and_score_has_its_heading() -> None:
    for registry, name in ((PROBES, "probes"), (SCORES, "scores")):
        page = (ROOT / "docs" / f"{name}.md").read_text()
        headings = "\n".join(re.findall(r"^##+ .*$", page, re.MULTILINE))
        for plugin in registry.plugins():
            named = re.split("[A-Z0-9]", plugin.example, maxsplit=1)[0]
            assert f"`{named}" in headings, plugin.example
            assert plugin.example in page


def test_every_table_is_found_from_the_first_page_of_results() -> None:
    folder = ROOT / "benchmarks"
    found = {(folder / link).resolve() for link in LINK.findall((folder / "README.md").read_text())}
    assert {page for page in folder.rglob("*.md") if page != folder / "README.md"} <= found


def test_the_zoo_has_a_line_for_every_plugin() -> None:
    pytest.importorskip("torch", reason="zoos need torch")
    from birthmark.training.engines import ENGINES
    from birthmark.training.nets import NETS
    from birthmark.zoo.disguises import DISGUISES
    from birthmark.zoo.images.sources import SOURCES
    from birthmark.zoo.recipes import RECIPES

    page = (ROOT / "docs" / "zoo.md").read_text()
    for registry in (RECIPES, DISGUISES):
        for plugin in registry.plugins():
            assert f"| `{plugin.example}` |" in page
    for named in (NETS, SOURCES):
        for one in named.plugins():
            assert f"`{one.example}`" in page
    assert {engine.example for engine in ENGINES.plugins()} == {"joblib", "ray"}
