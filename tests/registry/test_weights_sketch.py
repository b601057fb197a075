"""A file's weights as 2048 numbers: copies are found by them, and nobody else is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import commands
import world
from birthmark import Fingerprint
from birthmark.comparison import against
from birthmark.comparison.against import Against
from birthmark.comparison.by_weights import CLEAR
from birthmark.models.weights.tensors import from_torch
from birthmark.registry import Registry
from birthmark.registry.sketch import Sketches
from birthmark.registry.weights_sketch import sketch_of_file, weights_sketch
from disguised import DISGUISES, Layers, as_onnx, network, noisy, rearranged, saved

PROTECTED = 4


def sketched(layers: Layers) -> Sketches:
    numbers = weights_sketch([t for name, one in layers.items() for t in from_torch(name, one)])
    assert numbers is not None
    return numbers


COPIES: dict[str, Callable[[Layers], Layers]] = DISGUISES | {
    "units in another order": rearranged,
    "channels cut out": lambda one: rearranged(noisy(one, 0.1), 0.7),
}


def test_copies_are_near_and_independents_are_not() -> None:
    others = [sketched(network(seed)) for seed in range(1, 16)]
    mean = np.mean(others, axis=0)
    own = sketched(network(0)) - mean

    def cosine(numbers: Sketches) -> float:
        apart = numbers - mean
        return float(own @ apart / np.linalg.norm(own) / np.linalg.norm(apart))

    near = {name: cosine(sketched(made(network(0)))) for name, made in COPIES.items()}
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
        registry.add(file, victim, sketched(network(i)))
    return folder / "R"


def test_who_answers_otherwise_is_found_by_its_weights(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is audited, at the price of any model; and what is to be said of its weights is said."""
    monkeypatch.setattr(against, "NEAREST", 1)
    suspect = world.as_digits(world.thief(), name="upload")
    file = str(as_onnx(tmp_path / "upload.onnx", rearranged(noisy(network(2), 0.1))))
    looked_up = Against.of(0.1, [], made)
    found = looked_up.meet(suspect, named=file)
    assert [one.name[:7] for one in found.candidates] == ["owned-0"]
    assert [one.name[:7] for one in found.weights] == ["owned-2"]
    said = {row.fingerprint[:7]: row.weights for row in found.rows}
    assert said["owned-0"] is None
    assert f"birthmark weights 'owned 2' {file}`" in str(said["owned-2"])
    strange = str(as_onnx(tmp_path / "strange.onnx", network(99)))
    assert not looked_up.meet(suspect, named=strange).weights
    assert len(looked_up.meet(suspect).rows) == 1


def test_what_was_found_by_weights_alone_pays_for_every_model() -> None:
    assert Against(0.01, models=1000).level(None) == 0.01 / 2 / 1000
    assert Against(0.01, models=5).level(None) == 0.01 / 5
    assert Against(0.01).level(None) == 0.01


@pytest.mark.parametrize("name", ["hostile.onnx", "hostile.tflite"])
def test_what_can_not_be_read_is_one_line(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(b"\x08\x08junk")
    numbers, error = sketch_of_file(str(file))
    assert numbers is None
    assert "\n" not in str(error)
    assert name in str(error)


@pytest.mark.parametrize("shape", [(8, 3, 150, 150), (60_000, 3, 2, 2)])
def test_a_strangers_layer_takes_no_gigabytes(shape: tuple[int, ...]) -> None:
    layers = {"huge": np.ones(shape, np.float32)} | network(0)
    tracemalloc.start()
    sketched(layers)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 << 20


def test_what_has_no_weights_has_no_sketch(tmp_path: Path) -> None:
    linear = as_onnx(tmp_path / "linear.onnx", {"head": np.ones((10, 64), np.float32)})
    answers = saved(tmp_path / "recorded.safetensors", network(0))
    for one in (
        str(linear),
        str(answers),
        "module:function",
        "https://example.org",
        "service.api.toml",
    ):
        assert sketch_of_file(one) == (None, None)


@pytest.mark.usefixtures("files")
def test_the_commands_look_files_up_by_weights() -> None:
    copy = noisy(network(0), 0.3)
    for name, layers in (("victim", network(0)), ("other", network(1)), ("suspect", copy)):
        grafted(Path(f"{name}.onnx"), layers)
    commands.run("registry", "new", "R", "--images", "images", "-n", "20")
    for name in ("victim", "other"):
        model = ["--model", f"{name}.onnx"]
        enroll = ["enroll", *model, "--lineage", "linear", "--start", "random", "-n", "20"]
        enroll += ["--images", "images", "--references", "references", "--out", f"{name}.birthmark"]
        commands.run(*enroll)
        added = commands.run("registry", "add", "R", f"{name}.birthmark", *model).stdout
        assert "with a sketch of its weights" in added
    line = "birthmark weights victim.onnx suspect.onnx"
    assert line in commands.run("registry", "search", "R", "suspect.onnx").stdout
    compare = ["compare", "suspect.onnx", "references", "--registry", "R", "--out", "out"]
    assert commands.run(*compare).stdout.count("birthmark weights") == 1
    assert f"victim.onnx {Path('suspect.onnx').resolve()}" in Path("out/table.csv").read_text()


def grafted(file: Path, layers: Layers) -> None:
    """Layers that the model's answers do not depend on."""
    graph = (model := onnx.load(file)).graph
    for name, one in layers.items():
        if one.ndim == 4:
            nothing = np.zeros((1, one.shape[1], 3, 3), np.float32)
            graph.node.append(helper.make_node("Conv", [f"0 {name}", name], [f"to {name}"]))
            graph.initializer.append(numpy_helper.from_array(nothing, f"0 {name}"))
            graph.initializer.append(numpy_helper.from_array(one, name))
    onnx.save(model, file)
