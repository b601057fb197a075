"""A file's weights as 256 numbers: copies are found by them, and nobody else is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import commands
import world
from birthmark import Fingerprint
from birthmark.common.digests import canonical_json
from birthmark.comparison import against
from birthmark.comparison.against import Against
from birthmark.comparison.by_weights import CLEAR
from birthmark.registry import Registry
from birthmark.registry.weights_sketch import sketch_of_file
from disguised import DISGUISES, Layers, network, noisy, rearranged, saved

PROTECTED = 4


def sketched(path: Path, layers: Layers) -> NDArray[np.float32]:
    numbers, error = sketch_of_file(str(saved(path, layers)))
    assert error is None
    assert numbers is not None
    return numbers


COPIES: dict[str, Callable[[Layers], Layers]] = DISGUISES | {
    "units in another order": rearranged,
    "channels cut out": lambda one: rearranged(noisy(one, 0.1), 0.7),
}


def test_copies_are_near_and_independents_are_not(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    others = [sketched(file, network(seed)) for seed in range(1, 16)]
    mean = np.mean(others, axis=0)
    own = sketched(file, network(0)) - mean

    def cosine(numbers: NDArray[np.float32]) -> float:
        apart = numbers - mean
        return float(own @ apart / np.linalg.norm(own) / np.linalg.norm(apart))

    near = {name: cosine(sketched(file, made(network(0)))) for name, made in COPIES.items()}
    assert min(near.values()) > CLEAR, near
    assert max(cosine(one) for one in others) < CLEAR


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of four models with sketches of weights."""
    folder = tmp_path_factory.mktemp("weighed")
    images, references = world.image_set(), world.references(8)
    registry = Registry.new(folder / "R", images, n=60)
    for i in range(PROTECTED):
        model = world.victim() if i == 0 else world.innocent(40 + i, world.lineage_of(i))
        victim = world.as_digits(model, name=f"owned {i}", lineage=world.lineage_of(i))
        file = folder / f"owned-{i}.birthmark"
        Fingerprint.enroll(victim, images, references, n=20, start="random").save(file)
        registry.add(file, victim, sketched(folder / "weights.safetensors", network(i)))
    return folder / "R"


def test_who_answers_otherwise_is_found_by_its_weights(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is audited, at the price of any model; and what is to be said of its weights is said."""
    monkeypatch.setattr(against, "NEAREST", 1)
    suspect = world.as_digits(world.thief(), name="upload")
    file = str(saved(tmp_path / "upload.safetensors", rearranged(noisy(network(2), 0.1))))
    looked_up = Against.of(0.1, [], made)
    found = looked_up.meet(suspect, named=file)
    assert [one.name[:7] for one in found.candidates] == ["owned-0"]
    assert [one.name[:7] for one in found.weights] == ["owned-2"]
    said = {row.fingerprint[:7]: row.weights for row in found.rows}
    assert said["owned-0"] is None
    assert "birthmark weights 'owned 2' upload" in str(said["owned-2"])
    strange = str(saved(tmp_path / "strange.safetensors", network(99)))
    assert not looked_up.meet(suspect, named=strange).weights
    assert len(looked_up.meet(suspect).rows) == 1


def test_what_was_found_by_weights_alone_pays_for_every_model() -> None:
    assert Against(0.01, models=1000).level(None) == 0.01 / 2 / 1000
    assert Against(0.01, models=5).level(None) == 0.01 / 5
    assert Against(0.01).level(None) == 0.01


def test_a_registry_of_before_is_searched_by_answers(made: Path, tmp_path: Path) -> None:
    suspect = world.as_digits(world.thief(), name="upload")
    file = str(saved(tmp_path / "copy.safetensors", network(0)))
    registry = shutil.copytree(made, tmp_path / "R")
    for sketch in registry.rglob("sketch.json"):
        before = json.loads(sketch.read_bytes())
        del before["weights"]
        sketch.write_bytes(canonical_json(before))
    for one in registry.glob("index-*/weights*"):
        one.unlink()
    assert len(Registry.open(registry).models) == PROTECTED
    found = Against.of(0.1, [], registry).meet(suspect, named=file)
    assert found.candidates[0].name.startswith("owned-0")
    assert not found.weights


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff" * 8 + b"{}"])
def test_what_can_not_be_read_is_one_line(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "hostile.safetensors"
    file.write_bytes(content)
    numbers, error = sketch_of_file(str(file))
    assert numbers is None
    assert "\n" not in str(error)
    assert "hostile.safetensors" in str(error)


def test_what_has_no_weights_has_no_sketch(tmp_path: Path) -> None:
    linear = saved(tmp_path / "linear.safetensors", {"head": np.ones((10, 64), np.float32)})
    for one in (str(linear), "module:function", "https://example.org", "service.api.toml"):
        assert sketch_of_file(one) == (None, None)


@pytest.mark.usefixtures("files")
def test_a_model_without_hidden_layers_is_added_without() -> None:
    commands.run("registry", "new", "R", "--images", "images", "-n", "20")
    enroll = ["enroll", "--model", "victim.onnx", "--lineage", "linear", "--start", "random"]
    enroll += ["--images", "images", "--references", "references", "-n", "20", "--out"]
    commands.run(*enroll, "v.birthmark")
    add = ["registry", "add", "R", "v.birthmark", "--model", "victim.onnx", "--json"]
    assert json.loads(commands.run(*add).stdout)["weights"] is False
