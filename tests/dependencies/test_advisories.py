"""What a report of pip-audit comes to."""

from __future__ import annotations

import tomllib
from itertools import chain
from pathlib import Path

from dependencies.advisories import said

FLAW = {"id": "CVE-1", "fix_versions": ["2.0"], "aliases": [], "description": ""}


def test_advisories_are_told_and_what_was_not_looked_up_is_none() -> None:
    audited = {
        "dependencies": [
            {"name": "a", "version": "1.0", "vulns": [FLAW]},
            {"name": "b", "version": "1.0", "vulns": []},
            {"name": "c", "skip_reason": "not found"},
        ]
    }
    assert said(audited) == (["a 1.0: CVE-1, mended in 2.0"], 2)
    assert said({"dependencies": [{"name": "c", "skip_reason": "no"}]}) == ([], 0)


UNSAFE = {
    "rfc3161-client": (1, 0, 5),
    "h11": (0, 14),
    "jinja2": (3, 1, 5),
    "keras": (3, 12, 0),
    "pillow": (12, 1, 0),
    "python-multipart": (0, 0, 21),
    "starlette": (0, 49, 0),
    "typer": (0, 15, 3),
}
"""The last version of each that an advisory names, or that fails with what comes with it today."""


def test_lower_bounds_are_above_what_is_known_to_be_unsafe() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    stated = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    seen = set()
    for one in stated:
        name, _, bound = one.partition(";")[0].replace("[python]", "").partition(">=")
        if name in UNSAFE:
            assert tuple(map(int, bound.strip().split("."))) > UNSAFE[name], one
            seen.add(name)
    assert seen == UNSAFE.keys()
