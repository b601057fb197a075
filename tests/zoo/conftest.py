"""Zoos that several tests look at; none changes them."""

from __future__ import annotations

from pathlib import Path

import pytest

import zoo_world
from zoo_world import Zoo


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    zoo_world.write_images(folder)
    return folder


def _built(text: str, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    pytest.importorskip("torch", reason="zoos need torch")
    from birthmark.zoo.builder import build_zoo

    folder = tmp_path_factory.mktemp("zoo")
    plan = zoo_world.plan(text, folder)
    built = build_zoo(plan, images, folder / "zoo")
    assert not built.failures
    return Zoo(plan, folder / "zoo", images)


@pytest.fixture(scope="session")
def objects(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return _built(zoo_world.OBJECTS, images, tmp_path_factory)


@pytest.fixture(scope="session")
def faces(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return _built(zoo_world.FACES, images, tmp_path_factory)
