"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # read when numpy and torch are imported

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

import world  # noqa: E402

settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

LONGEST = (
    "test_docs.py",
    "test_builder.py",
    "test_real_data.py",
    "test_how_to.py",
    "test_examples.py",
    "test_bench.py",
    "test_commands.py",
    "test_zoo_commands.py",
    "test_recipes.py",
    "test_answers.py",
)
"""Files of tests that begin first, so that no worker is left with one at the end."""


RUNS_FILES = {"built", "files"}
"""Fixtures with model files, which run in a process of their own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if RUNS_FILES & {*getattr(item, "fixturenames", ())} or "sandbox" in item.path.parts:
            item.add_marker(pytest.mark.posix)
            if sys.platform == "win32":
                item.add_marker(pytest.mark.skip(reason="model files run on Linux and macOS"))
    items.sort(
        key=lambda item: (
            LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST)
        )
    )


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> world.World:
    return world.World.build(tmp_path_factory.mktemp("world"))


@pytest.fixture
def files(built: world.World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the world's files, as current folder."""
    folder = tmp_path / "world"
    shutil.copytree(built.folder, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def fingerprint() -> Any:
    return world.fingerprint_of_digits()


@pytest.fixture(scope="session")
def sealed(fingerprint: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fingerprint in a file; not to be changed."""
    file = tmp_path_factory.mktemp("sealed") / "v.birthmark"
    fingerprint.save(file)
    return file
