"""The report in a real browser, at three widths, light and dark, and for print."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import world
from birthmark import Fingerprint
from birthmark.report import render_report

pytest.importorskip("selenium", reason="the report is looked at with selenium")
from selenium import webdriver

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="Chromium is not there: apt-get install chromium chromium-driver",
)
FLAGS = ["headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"]
FLAGS += ["disable-background-networking", "disable-component-update", "disable-sync"]
FLAGS += ["disable-extensions", "disable-dev-shm-usage", "hide-scrollbars"]
WIDTHS = (360, 768, 1280)
SCHEMES = ("light", "dark")
LONG = "a-model-with-a-name-of-no-gaps_" * 4

LOOK = """
const hidden = e => e.closest('thead') && getComputedStyle(e.closest('thead')).clipPath !== 'none';
const named = e => e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 40);
const all = [...document.body.querySelectorAll('*')].filter(e => !hidden(e));
const box = e => e.getBoundingClientRect();
const width = document.documentElement.clientWidth;
const shown = e => box(e).width > 0 && box(e).height > 0;

const rgb = text => text.match(/[\\d.]+/g).map(Number);
const light = c => [0, 1, 2].map(i => c[i] / 255)
  .map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
  .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
const behind = e => {
  for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c;
  }
  return [255, 255, 255];
};
const contrast = e => {
  const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
};
const withText = all.filter(e => shown(e) &&
  [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
  && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
const overlapping = [];
for (const parent of all.concat([document.body])) {
  const inside = [...parent.children].filter(e => !hidden(e) && shown(e)
    && getComputedStyle(e).display !== 'inline');
  for (let i = 0; i < inside.length; i++)
    for (let j = i + 1; j < inside.length; j++)
      if (overlap(box(inside[i]), box(inside[j])))
        overlapping.push(named(inside[i]) + ' | ' + named(inside[j]));
}
return {
  scroll: document.documentElement.scrollWidth - width,
  outside: all.filter(e => shown(e) && (box(e).left < -0.5 || box(e).right > width + 0.5))
    .map(named),
  cut: all.filter(e => getComputedStyle(e).display !== 'inline' && e.tagName !== 'IMG'
    && e.scrollWidth > e.clientWidth + 1).map(named),
  overlapping: overlapping,
  pictures: [...document.images].map(i => [i.naturalWidth, box(i).width, box(i).height]),
  pale: withText.filter(e => contrast(e) < 4.5).map(e => contrast(e).toFixed(2) + ' ' + named(e)),
  texts: withText.length,
  page: getComputedStyle(document.body).backgroundColor,
  requests: performance.getEntriesByType('resource').map(r => r.name)
    .filter(name => !name.startsWith('data:')),
  strip: document.querySelector('picture img').currentSrc.length,
};
"""
OUTLINE = """
const names = [...document.querySelectorAll('img')].map(i => i.alt);
const headings = [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => [+h.tagName[1],
  h.textContent.trim()]);
return {
  headings, names,
  lang: document.documentElement.lang,
  landmarks: ['header', 'nav', 'main', 'footer']
    .map(tag => document.querySelectorAll('body > ' + tag + ', body > header > ' + tag).length),
  sections: [...document.querySelectorAll('section')]
    .map(s => document.getElementById(s.getAttribute('aria-labelledby'))?.tagName),
  links: [...document.querySelectorAll('a')]
    .map(a => a.hash && document.getElementById(a.hash.slice(1)) !== null),
  tables: [...document.querySelectorAll('table')].map(t => [t.caption !== null,
    [...t.querySelectorAll('th')].every(th => ['row', 'col'].includes(th.scope))]),
};
"""


@pytest.fixture(scope="module")
def pages(fingerprint: Fingerprint, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    suspects = [
        world.as_digits(model, name=name)
        for model, name in ((world.thief(), "thief"), (world.innocent(25), LONG))
    ]
    audits = [fingerprint.audit_with_answers(suspect) for suspect in suspects]
    truths = {"thief": "stolen", LONG: f"independent, {LONG}"}
    names = [f"digit {i}" for i in range(10)]
    texts = {
        "one": render_report(fingerprint.bundle, audits[:1], title="One", classes=names),
        "many": render_report(fingerprint.bundle, audits, title=LONG, truths=truths, note=LONG),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in [*FLAGS, f"user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    yield driver
    driver.quit()


def opened(browser: webdriver.Chrome, page: Path, width: int, scheme: str, media: str = "") -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())


def require_tidy(seen: dict[str, Any]) -> None:
    for fault in ("outside", "cut", "overlapping", "pale", "requests"):
        assert seen[fault] == [], fault
    assert seen["scroll"] <= 0
    assert seen["texts"] > 50
    assert len(seen["pictures"]) > 10
    for natural, width, height in seen["pictures"]:
        assert natural > 0
        assert min(width, height) > 0


@pytest.mark.parametrize("page", ["one", "many"])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_everything_is_there_whole_and_legible(
    width: int, scheme: str, page: str, browser: webdriver.Chrome, pages: dict[str, Path]
) -> None:
    opened(browser, pages[page], width, scheme)
    seen = browser.execute_script(LOOK)
    require_tidy(seen)
    assert (seen["page"] == "rgb(255, 255, 255)") == (scheme == "light")


def test_the_strip_plot_goes_with_width_and_scheme(
    browser: webdriver.Chrome, pages: dict[str, Path]
) -> None:
    shown = set()
    for width in (360, 1280):
        for scheme in SCHEMES:
            opened(browser, pages["one"], width, scheme)
            shown.add(
                browser.execute_script("return document.querySelector('picture img').currentSrc")
            )
    assert len(shown) == 4


def test_print_is_light_and_fits(browser: webdriver.Chrome, pages: dict[str, Path]) -> None:
    opened(browser, pages["many"], 700, "dark", media="print")
    seen = browser.execute_script(LOOK)
    require_tidy(seen)
    assert seen["page"] == "rgb(255, 255, 255)"
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert len(printed["data"]) > 10_000


def test_no_request_leaves_the_file(browser: Any, pages: dict[str, Path]) -> None:
    browser.get_log("performance")
    opened(browser, pages["many"], 1280, "light")
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert pages["many"].as_uri() in asked
    assert [url for url in asked if not url.startswith("data:")] == [pages["many"].as_uri()]


@pytest.mark.parametrize("page", ["one", "many"])
def test_a_screen_reader_finds_its_way(
    page: str, browser: webdriver.Chrome, pages: dict[str, Path]
) -> None:
    opened(browser, pages[page], 1280, "light")
    found = browser.execute_script(OUTLINE)
    levels = [level for level, _ in found["headings"]]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert all(text for _, text in found["headings"])
    assert found["lang"] == "en"
    assert found["landmarks"] == [1, 1, 1, 1]
    assert set(found["sections"]) == {"H2"}
    assert len(found["links"]) >= 6
    assert all(found["links"])
    assert all(len(name) > 20 for name in found["names"])
    assert found["tables"]
    assert all(all(table) for table in found["tables"])
