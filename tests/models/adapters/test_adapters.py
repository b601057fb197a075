"""One table for all adapters: each reaches the same linear model."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import safetensors.numpy

import api_world
import model_files
import world
from birthmark import BirthmarkError, Image, Suspect, as_suspect
from birthmark.models.adapters.base import ADAPTERS
from birthmark.probes import PROBES, Draw

PROBE_COUNT = 70


def needs(library: str, extra: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        importlib.util.find_spec(library) is None, reason=f"the extra '{extra}' is not installed"
    )


needs_torch = needs("torch", "torch")
needs_tflite = needs("ai_edge_litert", "tflite"), needs("tensorflow", "tensorflow")


def probes() -> list[Image]:
    draw = Draw("images", None, 0)
    return PROBES.make("natural").select(world.image_set(), None, PROBE_COUNT, draw)


def expected() -> Any:
    pixels = np.stack([probe.pixels[..., 0] for probe in probes()])
    return world.victim().decision_function(world.flat(pixels))


def as_onnx(folder: Path) -> Suspect:
    return as_suspect(world.export(world.victim(), folder / "v.onnx"), world.DECLARED)


def as_fixed_onnx(folder: Path) -> Suspect:
    model = world.victim()
    file = world.write_onnx(folder / "v.onnx", model.coef_.T, model.intercept_, (8, 1, 8, 8))
    return as_suspect(file, world.DECLARED)


def as_nhwc_onnx(folder: Path) -> Suspect:
    model = world.victim()
    file = world.write_onnx(folder / "v.onnx", model.coef_.T, model.intercept_, ("n", 8, 8, 1))
    return as_suspect(file, world.DECLARED | {"layout": "nhwc"})


def as_function(folder: Path) -> Suspect:  # noqa: ARG001
    model = world.victim()
    return world.answering(lambda x: model.decision_function(x.reshape(len(x), -1)))


def as_estimator(folder: Path) -> Suspect:  # noqa: ARG001
    return world.as_digits(world.victim())


def as_module(folder: Path) -> Suspect:  # noqa: ARG001
    flatten, linear = model_files.module()
    import torch

    return world.as_digits(torch.nn.Sequential(flatten, torch.nn.Dropout(), linear))


def as_torchscript(folder: Path) -> Suspect:
    return as_suspect(model_files.torchscript(folder), world.DECLARED)


def as_exported(folder: Path) -> Suspect:
    return as_suspect(model_files.exported(folder), world.DECLARED)


def as_keras(folder: Path) -> Suspect:
    return as_suspect(model_files.keras(folder), world.DECLARED | {"layout": "nhwc"})


def as_saved_model(folder: Path) -> Suspect:
    return as_suspect(model_files.saved_model(folder), world.DECLARED | {"layout": "nhwc"})


def as_tflite(folder: Path) -> Suspect:
    return as_suspect(model_files.tflite(folder), world.DECLARED | {"layout": "nhwc"})


def as_factory(folder: Path) -> Suspect:
    weights = model_files.weights(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return as_suspect(f"digits_factory:linear@{weights.name}", world.DECLARED)


def as_repository(folder: Path) -> Suspect:
    return as_suspect(model_files.repository(folder))


def as_csv(folder: Path) -> Suspect:
    rows = [f"{p.name},{','.join(map(str, r))}" for p, r in zip(probes(), expected(), strict=True)]
    header = "probe," + ",".join(f"class{i}" for i in range(10))
    file = folder / "v.csv"
    file.write_text("\n".join([header, *reversed(rows)]))
    return as_suspect(file, {"output": "logits"})


def as_npz(folder: Path) -> Suspect:
    np.savez(folder / "v.npz", values=expected(), kind="logits")
    return as_suspect(folder / "v.npz")


def as_safetensors(folder: Path) -> Suspect:
    values = expected().astype(np.float32)
    safetensors.numpy.save_file({"values": values}, folder / "v.safetensors", {"kind": "logits"})
    return as_suspect(folder / "v.safetensors")


def as_open_inference(folder: Path) -> Suspect:
    address = f"{api_world.shared().url}/v2/models/digits"
    return as_suspect(address, world.DECLARED, access=api_world.access(folder))


def as_open_inference_of_files(folder: Path) -> Suspect:
    address = f"{api_world.shared().url}/v2/models/files/versions/1/infer"
    return as_suspect(address, {"output": "logits"}, access=api_world.access(folder))


def as_open_inference_of_bytes(folder: Path) -> Suspect:
    address = f"{api_world.shared().url}/v2/models/flat#logits"
    plain = {"layout": "flat", "range": (0, 255), "mean": (0,), "std": (1,)}
    return as_suspect(address, world.DECLARED | plain, access=api_world.access(folder))


def as_tf_serving(folder: Path) -> Suspect:
    address = f"{api_world.shared().url}/v1/models/digits"
    return as_suspect(address, world.DECLARED, access=api_world.access(folder))


def as_tf_serving_of_files(folder: Path) -> Suspect:
    address = f"{api_world.shared().url}/v1/models/several/versions/2:predict#logits"
    return as_suspect(address, {"output": "logits"}, access=api_world.access(folder))


def as_template(name: str, folder: Path) -> Suspect:
    path, text = api_world.FORMS[name]
    file = api_world.form(folder, api_world.shared().url + path, text)
    return as_suspect(file, access=api_world.access(folder))


TABLE = [
    ("onnx", as_onnx),
    ("onnx", as_fixed_onnx),
    ("onnx", as_nhwc_onnx),
    ("callable", as_function),
    ("sklearn_estimator", as_estimator),
    pytest.param("torch_module", as_module, marks=needs_torch),
    ("open_inference", as_open_inference),
    ("open_inference", as_open_inference_of_files),
    ("open_inference", as_open_inference_of_bytes),
    ("tf_serving", as_tf_serving),
    ("tf_serving", as_tf_serving_of_files),
    *(("template", partial(as_template, name)) for name in api_world.FORMS),
    pytest.param("torchscript", as_torchscript, marks=needs_torch),
    pytest.param("torch_export", as_exported, marks=needs_torch),
    pytest.param("factory", as_factory, marks=needs_torch),
    pytest.param("keras", as_keras, marks=needs("keras", "keras")),
    pytest.param("saved_model", as_saved_model, marks=needs("tensorflow", "tensorflow")),
    pytest.param("tflite", as_tflite, marks=needs_tflite),
    pytest.param("hugging_face", as_repository, marks=needs("transformers", "hub")),
    ("recorded", as_csv),
    ("recorded", as_npz),
    ("recorded", as_safetensors),
]


def test_the_table_holds_every_adapter() -> None:
    tabled = {row.values[0] if hasattr(row, "values") else row[0] for row in TABLE}
    assert tabled == {plugin.module for plugin in ADAPTERS.plugins()}


@pytest.mark.parametrize(("module", "make"), TABLE)
def test_every_adapter_gives_the_same_answers(
    module: str, make: Callable[[Path], Suspect], tmp_path: Path
) -> None:
    from birthmark.models.queries import ask

    suspect = make(tmp_path)
    outputs = ask(suspect, probes())
    assert np.allclose(outputs.values, expected(), rtol=1e-4, atol=1e-4)
    assert outputs.kind == suspect.description.output == "logits"
    assert suspect.description.adapter in module
    assert str(tmp_path) not in suspect.description.model_dump_json()


@needs_tflite[0]
@needs_tflite[1]
def test_a_tflite_model_of_whole_numbers_answers_in_its_scale(tmp_path: Path) -> None:
    file = model_files.tflite(tmp_path, eight=True)
    suspect = as_suspect(file, world.DECLARED | {"layout": "nhwc"})
    answers = suspect.answer(probes())
    assert np.corrcoef(answers.values.ravel(), expected().ravel())[0, 1] > 0.999
    assert np.abs(answers.values - expected()).max() < 0.03 * np.ptp(expected())


@needs_torch
def test_a_torch_module_keeps_its_mode_and_its_digest(tmp_path: Path) -> None:
    suspect = as_module(tmp_path)
    module: Any = suspect._module  # type: ignore[attr-defined]
    module.train()
    suspect.answer(probes()[:2])
    assert module.training
    assert suspect.description.digest == as_module(tmp_path).description.digest
    module[2].bias.data[0] += 1
    assert world.as_digits(module).description.digest != suspect.description.digest


def test_labels_of_an_estimator_are_positions_in_its_classes() -> None:
    labels = world.pictures()[1]
    odd = world.trained(slice(0, 200), labels[:200] * 2 + 1)
    suspect = as_suspect(odd, world.DECLARED | {"output": "labels"})
    answers = suspect.answer(probes()).values
    assert (
        answers.tolist()
        == (
            odd.predict(world.flat(np.stack([probe.pixels[..., 0] for probe in probes()]))) // 2
        ).tolist()
    )


def test_colour_order_scaling_and_size_are_as_declared() -> None:
    seen = []
    fields = world.DECLARED | {
        "channels": 3,
        "size": (2, 4),
        "range": (-1, 1),
        "mean": (0, 0.5, 0),
        "std": (1, 1, 2),
        "order": "bgr",
    }

    def answer(batch: Any) -> Any:
        seen.append(batch)
        return np.arange(2 * len(batch)).reshape(-1, 2)

    suspect = as_suspect(answer, fields)
    from birthmark import ImageSet

    red = ImageSet.from_arrays(np.full((1, 8, 8, 3), (255, 0, 0), np.uint8))
    suspect.answer([red[0]])
    assert seen[0].shape == (1, 3, 4, 2)
    assert seen[0].dtype == np.float32
    assert seen[0][0, :, 0, 0].tolist() == [-1, -1.5, 0.5]


def victim_file(folder: Path) -> Path:
    return world.export(world.victim(), folder / "v.onnx")


def write(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def bad_onnx(folder: Path) -> Path:
    return write(folder / "v.onnx", "no model")


def double_onnx(folder: Path) -> Path:
    model = world.victim()
    kind = onnx.TensorProto.INT64
    return world.write_onnx(folder / "v.onnx", model.coef_.T, model.intercept_, dtype=kind)


WRONG: dict[str, tuple[Callable[[Path], Any], dict[str, Any] | None, str]] = {
    "no declaration": (
        victim_file,
        None,
        "'image' float32 [any, 1, 8, 8]): Birthmark must know its preprocessing and output",
    ),
    "no mean": (
        victim_file,
        {k: v for k, v in world.DECLARED.items() if k != "mean"},
        "(mean not declared); pass size=",
    ),
    "wrong size": (
        victim_file,
        world.DECLARED | {"size": (9, 8)},
        "the declared image is [1, 8, 9]",
    ),
    "wrong layout": (
        victim_file,
        world.DECLARED | {"layout": "nhwc"},
        "the declared image is [8, 8, 1]",
    ),
    "wrong channels": (
        victim_file,
        world.DECLARED | {"channels": 2},
        "channels should be 1 or 3",
    ),
    "three means": (
        victim_file,
        world.DECLARED | {"mean": (1, 2, 3)},
        "mean has 3 numbers for 1 channels",
    ),
    "no deviation": (
        victim_file,
        world.DECLARED | {"std": (0,)},
        "std must not be 0",
    ),
    "foreign field": (
        victim_file,
        world.DECLARED | {"scale": 1},
        "unknown field scale",
    ),
    "unknown kind": (
        victim_file,
        world.DECLARED | {"output": "scores"},
        "output should be 'logits'",
    ),
    "no onnx": (bad_onnx, world.DECLARED, "is not a readable ONNX model"),
    "wrong dtype": (double_onnx, world.DECLARED, "v.onnx"),
    "missing": (lambda d: d / "v.onnx", world.DECLARED, "does not exist"),
    "pickle": (
        lambda d: write(d / "v.pt", ""),
        world.DECLARED,
        "never loaded; export it to ONNX (torch.onnx.export) or .pt2",
    ),
    "text": (
        lambda d: write(d / "v.txt", ""),
        world.DECLARED,
        "not a model that Birthmark can reach",
    ),
    "no module": (lambda _: "nowhere:model", world.DECLARED, "cannot be imported"),
    "number": (lambda _: 3, world.DECLARED, "not a model that Birthmark can reach"),
    "no embeddings": (
        lambda _: world.victim(),
        world.DECLARED | {"output": "embeddings"},
        "declare one of logits, probabilities, labels",
    ),
    "csv without kind": (
        lambda d: write(d / "v.csv", "probe,a,b\n0.png,1,2"),
        None,
        "pass output",
    ),
    "csv without probe": (
        lambda d: write(d / "v.csv", "a,b\n1,2"),
        {"output": "logits"},
        "name the first 'probe'",
    ),
    "csv, empty": (
        lambda d: write(d / "v.csv", ""),
        {"output": "logits"},
        "not a table of numbers",
    ),
    "csv, short line": (
        lambda d: write(d / "v.csv", "probe,a,b\n0.png,1"),
        {"output": "logits"},
        "line 2 has 2 cells of 3",
    ),
    "csv, words": (
        lambda d: write(d / "v.csv", "probe,a,b\n0.png,1,x"),
        {"output": "logits"},
        "not a table of numbers",
    ),
    "csv, twice": (
        lambda d: write(d / "v.csv", "probe,a,b\n0.png,1,2\n0.png,1,2"),
        {"output": "logits"},
        "names a probe twice",
    ),
    "no safetensors": (lambda d: write(d / "v.safetensors", "x"), None, "not readable safetensors"),
    "no npz": (lambda d: write(d / "v.npz", "x"), None, "not a readable npz"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case: str, tmp_path: Path) -> None:
    make, fields, said = WRONG[case]
    with pytest.raises(BirthmarkError) as error:
        as_suspect(make(tmp_path), fields)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_declaration_beside_a_model_must_not_be_contradicted(tmp_path: Path) -> None:
    file = world.export(world.victim(), tmp_path / "v.onnx")
    (tmp_path / "birthmark.toml").write_text(world.TOML)
    assert (
        as_suspect(file).description.declaration
        == as_suspect(file, world.DECLARED).description.declaration
    )
    with pytest.raises(BirthmarkError, match=r"mean is .* next to it, but"):
        as_suspect(file, {"mean": (0.1,)})
    (tmp_path / "birthmark.toml").write_text(world.TOML.replace("[0.5]", "0.5"))
    assert as_suspect(file, {"mean": (0.5,)}).description == as_suspect(file).description
    (tmp_path / "birthmark.toml").write_text("size = ")
    with pytest.raises(BirthmarkError, match=r"birthmark\.toml: is not TOML"):
        as_suspect(file)


def test_recorded_answers_must_fit_the_probes(tmp_path: Path) -> None:
    suspect = as_csv(tmp_path)
    few = suspect.answer(probes()[3:9][::-1])
    assert (few.values == suspect.answer(probes()).values[3:9][::-1]).all()
    renamed = [Image(p.data, f"other-{p.name}") for p in probes()]
    with pytest.raises(BirthmarkError, match=r"no answer to other-00000\.png"):
        suspect.answer(renamed)


def test_a_table_may_be_parquet_and_name_images_by_their_digests(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    expected = as_csv(tmp_path).answer(probes()).values
    table = {"probe": [one.digest for one in probes()]}
    table |= {f"c{i}": column for i, column in enumerate(expected.T)}
    pyarrow.parquet.write_table(pyarrow.table(table), tmp_path / "a.parquet")
    said = as_suspect(tmp_path / "a.parquet", {"output": "logits"}).answer(probes()[5:20])
    assert (said.values == expected[5:20]).all()
    pyarrow.parquet.write_table(pyarrow.table({"image": [1]}), tmp_path / "a.parquet")
    with pytest.raises(BirthmarkError, match="its columns are image; name the first 'probe'"):
        as_suspect(tmp_path / "a.parquet", {"output": "logits"})


FAILING = {
    "raises": (lambda x: 1 / 0, "failed on an image (ZeroDivisionError"),  # noqa: ARG005
    "too few": (lambda x: np.ones((len(x) - 1, 3)), "answered 32 images with 31"),
    "wanders": (lambda x: np.ones((len(x), len(x))) * np.arange(len(x)), "numbers, then"),
    "constant": (lambda x: np.ones((len(x), 3)) * [1, 2, 3], "the same answer"),
    "nan": (lambda x: np.full((len(x), 3), np.nan), "NaN or infinity"),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_failing_suspect_is_one_line(case: str) -> None:
    from birthmark.models.queries import ask

    function, said = FAILING[case]
    with pytest.raises(BirthmarkError, match="suspect") as error:
        ask(world.answering(function), probes())
    assert said in str(error.value)
