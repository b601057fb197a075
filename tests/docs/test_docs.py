"""Every command and Python block in the docs runs; every plugin has its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from birthmark.models.adapters.base import ADAPTERS
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


def test_every_plugin_has_its_page() -> None:
    for registry, folder in ((PROBES, "probes"), (SCORES, "scores"), (ADAPTERS, "adapters")):
        for plugin in registry.plugins():
            page = ROOT / "docs" / folder / f"{plugin.module}.md"
            assert page.exists(), f"{page} is missing"


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


def test_every_plugin_is_named_on_its_page() -> None:
    for registry, folder in ((PROBES, "probes"), (SCORES, "scores")):
        for plugin in registry.plugins():
            assert plugin.example in (ROOT / "docs" / folder / f"{plugin.module}.md").read_text()
