"""Model files that a runtime refuses before it reads them, in one line."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import model_files
from birthmark import BirthmarkError
from birthmark.models.runtimes.archives import members
from birthmark.models.runtimes.base import RUNTIMES

torch: Any = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
Make = Callable[[Path], Path]


def with_layer(**config: Any) -> Make:
    name = config.pop("class_name")
    part = {"module": "keras.layers", "class_name": name, "config": {}, "registered_name": None}
    return lambda folder: model_files.keras(folder, part | config)


def text(name: str) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_text("no archive")
        return folder / name

    return make


def bomb(folder: Path) -> Path:
    contents = {"config.json": "{}", "model.weights.h5": bytes(64 << 20)}
    return model_files.zipped(folder / "v.keras", contents, zipfile.ZIP_DEFLATED)


def leaving(folder: Path) -> Path:
    return model_files.zipped(folder / "v.keras", {"../config.json": "{}"})


def doubled(folder: Path) -> Path:
    with (
        zipfile.ZipFile(folder / "v.ts", "w") as file,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        file.writestr("v/constants.pkl", "")
        file.writestr("v/constants.pkl", "")
    return folder / "v.ts"


def without_config(folder: Path) -> Path:
    return model_files.zipped(folder / "v.keras", {"other.json": "{}"})


def deep(folder: Path) -> Path:
    return model_files.zipped(folder / "v.keras", {"config.json": "[" * 100_000})


def state(folder: Path) -> Path:
    torch.save({"weight": torch.zeros(2)}, folder / "v.ts")
    return folder / "v.ts"


class Plain(torch.nn.Module):  # type: ignore[misc]
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image


def saving(folder: Path) -> Path:
    module = torch.jit.script(Plain())
    module.define('def save(self, image):\n    torch.save(image, "marker")\n    return image\n')
    torch.jit.save(module, folder / "v.ts")
    return folder / "v.ts"


CASES: dict[str, tuple[str, Make, str]] = {
    "Lambda": ("keras", with_layer(class_name="Lambda"), "Lambda, which holds Python code"),
    "pickled module": ("keras", with_layer(class_name="TorchModuleWrapper"), "a pickled torch"),
    "custom layer": (
        "keras",
        with_layer(class_name="My", module=None, registered_name="My"),
        "My, which Keras does not include",
    ),
    "layer of a package": (
        "keras",
        with_layer(class_name="system", module="os"),
        "system, which Keras does not include",
    ),
    "Keras 2": (
        "keras",
        lambda folder: model_files.zipped(
            folder / "v.keras",
            {
                "metadata.json": '{"keras_version": "2.15.0"}',
                "config.json": '{"class_name": "Functional", "config": {"layers": 3}}',
            },
        ),
        "was written by Keras 2.15.0, and Keras 3 cannot read it",
    ),
    "bomb": ("keras", bomb, "unpacks from"),
    "leaving": ("keras", leaving, "leaves its folder"),
    "deep": ("keras", deep, "not JSON"),
    "no config": ("keras", without_config, "holds no config.json"),
    "no zip": ("keras", text("v.keras"), "not a readable archive"),
    "no TorchScript": ("torchscript", text("v.ts"), "not a readable archive"),
    "twice": ("torchscript", doubled, "a member twice"),
    "state dict": ("torchscript", state, "not a TorchScript archive"),
    "writing": ("torchscript", saving, "an operator that reaches files"),
    "no export": ("torch-export", text("v.pt2"), "not a readable archive"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_refused_is_said(case: str, tmp_path: Path) -> None:
    runtime, make, said = CASES[case]
    with pytest.raises(BirthmarkError) as error:
        RUNTIMES.make(runtime)(make(tmp_path), {})
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("code", ["torch.classes.evil.Thing", "ops.evil.run(x)", "torch . save(x)"])
def test_code_of_torchscript_uses_operators_of_torch_only(code: str, tmp_path: Path) -> None:
    contents = {"v/constants.pkl": "", "v/code/x.py": f"def f(x):\n  return {code}"}
    with pytest.raises(BirthmarkError, match=r"code/x\.py uses"):
        RUNTIMES.make("torchscript")(model_files.zipped(tmp_path / "v.ts", contents), {})


def test_members_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = model_files.zipped(tmp_path / "v.keras", {str(i): "" for i in range(9)})
    assert len(members(file, "")) == 9
    monkeypatch.setattr("birthmark.models.runtimes.archives.MAX_MEMBERS", 8)
    with pytest.raises(BirthmarkError, match="holds 9 members, over 8"):
        members(file, "")


def factory(folder: Path, **changed: Any) -> Path:
    file = model_files.weights(folder)
    tensors = dict(safetensors.numpy.load_file(file)) | changed
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    safetensors.numpy.save_file(kept, file)
    return file


WEIGHTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "missing": ("linear", {"1.bias": None}, "lacks 1.bias (1 in all)"),
    "more": ("linear", {"2.bias": np.zeros(3)}, "does not build: 2.bias"),
    "shape": ("linear", {"1.bias": np.zeros(3, np.float32)}, "1.bias is [3], but"),
    "dtype": ("linear", {"1.bias": np.zeros(10, np.int32)}, "1.bias is torch.int32, but"),
    "no function": ("other", {}, "failed (AttributeError"),
    "no module": ("FACTORY", {}, "failed (TypeError"),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_weights_fit_what_the_function_builds(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    function, changed, said = WEIGHTS[case]
    monkeypatch.delitem(sys.modules, "digits_factory", raising=False)
    file = factory(tmp_path, **changed)
    spec = f"digits_factory:{function}"
    (tmp_path / "digits_factory.py").write_text(f"{model_files.FACTORY}\n\nFACTORY = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BirthmarkError) as error:
        RUNTIMES.make("factory")(file, {"factory": spec, "folder": str(tmp_path)})
    assert said in str(error.value)


def test_half_precision_is_widened(tmp_path: Path) -> None:
    module = model_files.module().half()
    torch.jit.save(torch.jit.script(module), tmp_path / "v.ts")
    runtime = RUNTIMES.make("torchscript")(tmp_path / "v.ts", {})
    with torch.inference_mode():
        wide = module(torch.zeros(2, 1, 8, 8).half()).float().numpy()
    assert np.allclose(runtime.run(np.zeros((2, 1, 8, 8), np.float16)), wide)
