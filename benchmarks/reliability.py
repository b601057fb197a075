"""How asking over HTTP holds against kills and failures, and what it costs in time.

python -m benchmarks.reliability kills failures overhead

Each section named is measured and written to benchmarks/reliability/NAME.md; then all sections
there, those written by other commands included, are put together as benchmarks/reliability.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from benchmarks import failures, kills, overhead
from benchmarks.speed import cpu

HERE = Path(__file__).parent
PARTS, PAGE = HERE / "reliability", HERE / "reliability.md"
SECTIONS: dict[str, Callable[[], list[str]]] = {
    "kills": kills.section,
    "failures": failures.section,
    "overhead": overhead.section,
}
ORDER = ("kills", "failures", "overhead", "fuzz")


def measured(name: str) -> str:
    """One section, with its command, duration and machine."""
    began = time.monotonic()
    load = os.getloadavg()[0]
    title, *rest = SECTIONS[name]()
    minutes = (time.monotonic() - began) / 60
    how = (
        f"Written by `python -m benchmarks.reliability {name}` in {minutes:.0f} min on"
        f" {os.cpu_count()} cores ({cpu()}; load {load:.1f} when it started), Python"
        f" {platform.python_version()}, httpx {version('httpx')}."
    )
    return "\n".join([title, "", how, *rest]) + "\n"


def page() -> str:
    """All sections that were written."""
    parts = sorted(PARTS.glob("*.md"), key=lambda one: (place(one.stem), one.stem))
    return "\n".join(["# Reliability\n", *(part.read_text(encoding="utf-8") for part in parts)])


def place(name: str) -> int:
    """Where a section stands."""
    return ORDER.index(name) if name in ORDER else len(ORDER)


def main() -> None:
    """Measure the sections named, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], default=[])
    wanted: list[str] = parser.parse_args().sections
    PARTS.mkdir(exist_ok=True)
    for name in wanted:
        (PARTS / f"{name}.md").write_text(measured(name), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
