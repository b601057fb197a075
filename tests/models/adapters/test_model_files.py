"""Which files and folders are opened as models."""

from __future__ import annotations

from pathlib import Path

import pytest

from birthmark import BirthmarkError
from birthmark.models.adapters.model_files import located, models_in, refuse_pickles


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_a_folder_of_one_model_is_one_model(tmp_path: Path) -> None:
    touch(tmp_path, "tf/saved_model.pb", "hf/config.json", "hf/model.safetensors", "no/config.json")
    assert located(str(tmp_path / "tf")) == str(tmp_path / "tf" / "saved_model.pb")
    assert located(str(tmp_path / "hf")) == str(tmp_path / "hf" / "config.json")
    assert located(str(tmp_path / "no")) == str(tmp_path / "no")
    assert located("hf:owner/name") == "hf:owner/name"


def test_a_search_takes_folders_of_one_model_whole(tmp_path: Path) -> None:
    touch(tmp_path, "a.onnx", "resnet/b.pt2", "resnet/c.keras", "d.torchscript", "notes.txt")
    touch(tmp_path, "theirs.api.toml", "resnet/theirs.api.toml")
    touch(tmp_path / "vit" / "hf", "config.json", "model.safetensors", "onnx/model.onnx")
    touch(tmp_path / "tf", "saved_model.pb", "variables/variables.index", "assets/x.csv")
    found = [file.relative_to(tmp_path).as_posix() for file in models_in(tmp_path)]
    assert found == ["a.onnx", "d.torchscript", "resnet/b.pt2", "resnet/c.keras", "tf", "vit/hf"]


def test_a_folder_without_models_is_told(tmp_path: Path) -> None:
    with pytest.raises(BirthmarkError, match=r"holds no models; put \*\.onnx"):
        models_in(touch(tmp_path, "x.txt"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("v.pt", "torch.export.save"),
        ("V.PTH", "torch.onnx.export"),
        ("v.ckpt", "safetensors"),
        ("v.bin", "never loaded"),
        ("v.pkl", "skl2onnx"),
        ("v.joblib", "pass the loaded model in Python"),
        ("v.h5", "save it as .keras"),
        ("v.hdf5", "may hold Python code"),
    ],
)
def test_what_could_run_is_refused_with_the_way_to_convert_it(name: str, said: str) -> None:
    with pytest.raises(BirthmarkError) as error:
        refuse_pickles(name)
    assert said in str(error.value)
