"""The container image: built where docker is, else each of its steps is checked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = "BIRTHMARK_BUILD_IMAGE"
"""Set it to build the image too, which fetches a base image and packages."""


def steps() -> list[tuple[str, str]]:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    parts = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in parts]


def test_what_is_copied_is_all_that_the_package_is_built_from(tmp_path: Path) -> None:
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    for word, rest in steps():
        if word == "COPY":
            *sources, target = rest.split()
            assert allowed >= set(sources)
            inside = tmp_path / target.lstrip("/")
            for source in sources:
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, inside)
                else:
                    inside.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / source, inside)
    copied = tmp_path / "src"
    told = tomllib.loads((copied / "pyproject.toml").read_text())
    wheel = told["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = [told["project"]["readme"], *told["project"]["license-files"], *wheel]
    needed.append(told["tool"]["hatch"]["version"]["path"])
    for name in needed:
        assert (copied / name).exists(), name
    (install,) = (rest for word, rest in steps() if word == "RUN")
    extras = install.partition("[")[2].partition("]")[0].split(",")
    assert set(extras) <= told["project"]["optional-dependencies"].keys()
    (entry,) = (json.loads(rest) for word, rest in steps() if word == "ENTRYPOINT")
    assert set(entry) <= told["project"]["scripts"].keys()
    said = subprocess.run(
        [sys.executable, "-m", *entry, "--version"],
        env=os.environ | {"PYTHONPATH": str(copied / "src")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.startswith("birthmark ")
    users = [word for word, _ in steps()]
    assert users.index("USER") < users.index("ENTRYPOINT"), "it runs as root"


@pytest.mark.skipif(
    shutil.which("docker") is None or BUILD not in os.environ, reason=f"{BUILD} is not set"
)
def test_the_image_is_built_and_says_its_version() -> None:
    subprocess.run(["docker", "build", "-q", "-t", "birthmark-test", "."], cwd=ROOT, check=True)
    said = subprocess.run(
        ["docker", "run", "--rm", "birthmark-test", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.startswith("birthmark ")
