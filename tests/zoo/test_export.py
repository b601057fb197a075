"""Models of a zoo as ONNX files."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as Pillow

import zoo_world
from birthmark import BirthmarkError
from birthmark.data.images import Image, encoded
from birthmark.models.adapters import open_suspect

pytest.importorskip("torch", reason="zoos need torch")

from birthmark.zoo.export import export_model
from birthmark.zoo.images.arrays import load
from birthmark.zoo.models.store import built


@pytest.mark.parametrize("name", ["victim", "reference/1", "reference/2", "reference/3"])
def test_exported_models_are_asked_like_any_other(
    name: str, objects: zoo_world.Zoo, tmp_path: Path
) -> None:
    out = tmp_path / "exported"
    assert export_model(objects.folder, name, out) < 1e-4
    own = load(objects.folder / "data" / "own")
    pixels = own.pixels[:8]
    images = [
        Image(encoded(Pillow.fromarray(p.transpose(1, 2, 0)), "PNG"), f"{i}.png")
        for i, p in enumerate(pixels)
    ]
    said = open_suspect(str(out / "model.onnx")).answer(images)
    wanted = built(objects.plan, objects.folder, name).answer(pixels)
    assert said.kind is wanted.kind
    assert (said.predicted() == wanted.predicted()).all()


def test_disguises_are_not_exported(objects: zoo_world.Zoo, tmp_path: Path) -> None:
    with pytest.raises(BirthmarkError, match=r"behind a disguise.*export its parent, victim"):
        export_model(objects.folder, "renamed/0", tmp_path / "x")
    with pytest.raises(
        BirthmarkError, match="not a model of this zoo; name one such as reference/3"
    ):
        export_model(objects.folder, "reference/33", tmp_path / "x")
