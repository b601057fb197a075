"""Repositories of image classifiers: what they declare, what is refused, when one is fetched."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import model_files
import world
from birthmark import BirthmarkError, Declaration, ImageSet, as_suspect
from birthmark.cli.main import app
from birthmark.models.adapters.hub import WANTED, download
from birthmark.models.adapters.preprocessor import KINDS, declared_by
from birthmark.models.runtimes.base import RUNTIMES

COLOUR: dict[str, Any] = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.25]}
SQUARE = {"size": {"height": 24, "width": 24}}
SHORT = {"size": {"shortest_edge": 32}, "crop_size": {"height": 24, "width": 24}}
PROCESSORS: dict[str, dict[str, Any]] = {
    "ViT": SQUARE | {"resample": 2},
    "ViT older": {"feature_extractor_type": "ViTFeatureExtractor", "size": 24, "resample": 3},
    "Beit": SQUARE,
    "Bit": SHORT,
    "CLIP": SHORT | {"resample": 1},
    "ConvNext": {"size": {"shortest_edge": 24}, "crop_pct": 0.875},
    "ConvNext large": {"image_processor_type": "ConvNextImageProcessor", "size": 384},
    "DeiT": {"size": {"height": 32, "width": 32}, "crop_size": {"height": 24, "width": 24}},
    "MobileNetV1": SHORT,
    "MobileNetV2": SHORT | {"do_rescale": True, "rescale_factor": 0.5},
    "MobileViT": SHORT,
    "Pvt": SQUARE | {"do_normalize": False},
    "Siglip": SQUARE | {"do_rescale": False},
}


def configured(case: str) -> dict[str, Any]:
    kind = case.partition(" ")[0]
    named = {"image_processor_type": f"{kind}ImageProcessor"}
    config = COLOUR | PROCESSORS[case]
    return config if "feature_extractor_type" in config else named | config


def test_every_kind_of_preprocessing_is_compared() -> None:
    assert {case.partition(" ")[0] for case in PROCESSORS} == set(KINDS)


@pytest.fixture(scope="module")
def transformers() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "tensorflow", None)
        yield pytest.importorskip("transformers", reason="the extra 'hub' is not installed")


@pytest.mark.parametrize("case", PROCESSORS)
def test_images_are_brought_as_transformers_brings_them(case: str, transformers: Any) -> None:
    config = configured(case)
    kind = str(config.get("image_processor_type", config.get("feature_extractor_type")))
    kind = kind.replace("FeatureExtractor", "ImageProcessor")
    processor = getattr(transformers, f"{kind}Pil").from_dict(dict(config))
    generator = np.random.default_rng(0)
    declaration = Declaration.of(case, declared_by(Path("p"), config, 3))
    for height, width in ((24, 24), (32, 57), (91, 40)):
        pixels = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
        wanted = processor(pixels, return_tensors="np")["pixel_values"]
        image = ImageSet.from_arrays(pixels[None])[0]
        assert np.allclose(declaration.batch([image]), wanted, atol=1e-4), (height, width)


UNDECLARABLE: dict[str, tuple[dict[str, Any], str]] = {
    "another kind": (
        {"image_processor_type": "EfficientNetImageProcessor", **SQUARE},
        "is EfficientNet, not one of",
    ),
    "no kind": (SQUARE, "is of no kind"),
    "no resizing": ({"do_resize": False, **SQUARE}, "does not resize"),
    "padding": ({"do_pad": True, **SQUARE}, "asks for do_pad"),
    "no size": ({}, "KeyError: 'size'"),
    "no mean": ({**SQUARE, "image_mean": None}, "cannot be understood (TypeError"),
    "longest edge": ({"size": {"longest_edge": 5}}, "its size has longest_edge"),
    "proportions": ({"size": {"shortest_edge": 5}}, "keeps the proportions"),
}


@pytest.mark.parametrize("case", UNDECLARABLE)
def test_what_cannot_be_declared_is_said(case: str) -> None:
    config, said = UNDECLARABLE[case]
    usual = {} if case == "no kind" else {"image_processor_type": "ViTImageProcessor"}
    with pytest.raises(BirthmarkError) as error:
        declared_by(Path("preprocessor_config.json"), usual | COLOUR | config, 3)
    assert said in str(error.value)


def change(name: str, **fields: Any) -> Callable[[Path], object]:
    def changed(folder: Path) -> None:
        file = folder / name
        file.write_text(json.dumps(json.loads(file.read_text()) | fields))

    return changed


def only_pickles(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def code(folder: Path) -> None:
    marked = f"from pathlib import Path\nPath({str(folder / 'marker')!r}).touch()\n"
    (folder / "mine.py").write_text(marked)
    change("config.json", auto_map={"AutoModelForImageClassification": "mine.Model"})(folder)


REFUSED: dict[str, tuple[Callable[[Path], object], dict[str, Any], str]] = {
    "only pickles": (only_pickles, {}, "pickled weights are never loaded; load it somewhere safe"),
    "code": (code, {}, "brings its own Python code (auto_map), which is never run"),
    "another task": (
        change("config.json", architectures=["ViTModel"]),
        {},
        "is a model of type ViTModel; name an image classifier",
    ),
    "contradiction": (
        lambda _: None,
        {"mean": (0.1,)},
        "mean is (0.5,) in its preprocessor_config.json, but (0.1,) was passed",
    ),
    "no JSON": (lambda d: (d / "config.json").write_text("{"), {}, "config.json: is not JSON"),
    "no declaration": (
        lambda d: (d / "preprocessor_config.json").unlink(),
        {},
        "Birthmark must know its preprocessing and output",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_said(case: str, tmp_path: Path) -> None:
    if case == "no declaration":
        pytest.importorskip("transformers", reason="the extra 'hub' is not installed")
    edit, passed, said = REFUSED[case]
    folder = model_files.repository(tmp_path)
    edit(folder)
    with pytest.raises(BirthmarkError) as error:
        as_suspect(folder, passed)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert not (folder / "marker").exists()


def test_all_weights_must_be_there(tmp_path: Path, transformers: Any) -> None:
    assert transformers
    folder = model_files.repository(tmp_path)
    change("config.json", num_hidden_layers=2)(folder)
    with pytest.raises(BirthmarkError, match=r"lacks vit\..*name a repository with the weights"):
        RUNTIMES.make("hugging-face")(folder, {})


class Hub:
    """Stands in for huggingface_hub: one repository, not in the cache until it is fetched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[dict[str, Any]] = []

    def snapshot_download(self, repository: str, **options: Any) -> str:
        self.asked.append(options)
        commit = self.folder / "snapshots" / ("c0ffee" * 7)[:40]
        if repository != "owner/name":
            raise OSError(f"404 for {repository}\nno such repository")
        if not options["local_files_only"] and not commit.exists():
            commit.parent.mkdir(parents=True)
            model_files.repository(self.folder).rename(commit)
        if not commit.exists():
            raise FileNotFoundError("not cached")
        return str(commit)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    made = Hub(tmp_path)
    stub = SimpleNamespace(snapshot_download=made.snapshot_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", stub)
    return made


def test_a_repository_is_fetched_only_when_asked(hub: Hub) -> None:
    pytest.importorskip("transformers", reason="the extra 'hub' is not installed")
    with pytest.raises(BirthmarkError, match="not in the local cache; pass allow_download=True"):
        as_suspect("hf:owner/name")
    assert [one["local_files_only"] for one in hub.asked] == [True]
    download("hf:owner/name@main")
    assert hub.asked[-1] == {
        "revision": "main",
        "allow_patterns": WANTED,
        "local_files_only": False,
    }
    assert not any("bin" in pattern or ".py" in pattern for pattern in WANTED)
    suspect = as_suspect("hf:owner/name")
    assert suspect.description.name == "owner/name@c0ffeec0ffee"
    assert len(suspect.answer([world.image_set()[0]])) == 1


def test_a_failed_fetch_is_one_line(hub: Hub) -> None:
    with pytest.raises(BirthmarkError, match="cannot be fetched") as error:
        download("hf:owner/other")
    assert "\n" not in str(error.value)
    with pytest.raises(BirthmarkError, match="does not name a repository"):
        download("hf:../../etc/passwd")
    assert len(hub.asked) == 1


def test_the_command_fetches_only_what_is_allowed(hub: Hub, tmp_path: Path, sealed: Path) -> None:
    command = ["audit", str(sealed), "--suspect", "hf:owner/other", "--out", str(tmp_path / "a")]
    for allowed, said in (([], "pass allow_download=True"), (["--allow-download"], "OSError: 404")):
        with pytest.raises(BirthmarkError, match=said):
            app([*command, *allowed], standalone_mode=False)
    assert [one["local_files_only"] for one in hub.asked] == [True, False]
