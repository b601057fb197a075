"""The digits' victim, or any linear model, in files of every kind that is run."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

import world

CLASSES, PIXELS = 10, 64
FACTORY = """import torch


def linear():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
"""
PREPROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"height": 8, "width": 8},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5],
    "image_std": [0.25],
}


def module() -> Any:
    import torch

    model = world.victim()
    linear = torch.nn.Linear(PIXELS, CLASSES)
    linear.weight.data = torch.from_numpy(model.coef_).float()
    linear.bias.data = torch.from_numpy(model.intercept_).float()
    return torch.nn.Sequential(torch.nn.Flatten(), linear).eval()


def torchscript(folder: Path) -> Path:
    import torch

    torch.jit.save(torch.jit.script(module()), folder / "v.torchscript")
    return folder / "v.torchscript"


def exported(folder: Path) -> Path:
    import torch

    many = {0: torch.export.Dim("n", min=1, max=1024)}
    images = (torch.zeros(2, 1, 8, 8),)
    program = torch.export.export(module(), images, dynamic_shapes=(many,))
    torch.export.save(program, folder / "v.pt2")
    return folder / "v.pt2"


def keras(folder: Path, *others: dict[str, Any], before: Sequence[dict[str, Any]] = ()) -> Path:
    """A `.keras` archive as Keras writes it; `others` are layers before the last."""
    import h5py

    layers = [
        layer("InputLayer", batch_shape=[None, 8, 8, 1], dtype="float32", name="image"),
        *before,
        layer("Flatten", name="flatten"),
        *others,
        layer("Dense", name="dense", units=CLASSES),
    ]
    config = layer("Sequential", name="linear", layers=layers)
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file.create_group("vars")
        file.create_group("layers/flatten/vars")
        file["layers/dense/vars/0"] = world.victim().coef_.T.astype(np.float32)
        file["layers/dense/vars/1"] = world.victim().intercept_.astype(np.float32)
    contents = {
        "metadata.json": json.dumps({"keras_version": "3.8.0"}),
        "config.json": json.dumps(config),
        "model.weights.h5": weights.getvalue(),
    }
    return zipped(folder / "v.keras", contents)


def layer(kind: str, **config: Any) -> dict[str, Any]:
    home = "keras" if kind == "Sequential" else "keras.layers"
    return {"module": home, "class_name": kind, "config": config, "registered_name": None}


def zipped(path: Path, contents: dict[str, Any], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def saved_model(folder: Path) -> Path:
    import tensorflow

    kept = tensorflow.Module()
    kept.weights = tensorflow.Variable(world.victim().coef_.T.astype(np.float32))
    kept.bias = tensorflow.Variable(world.victim().intercept_.astype(np.float32))
    image = tensorflow.TensorSpec([None, 8, 8, 1], tensorflow.float32, name="image")

    @tensorflow.function(input_signature=[image])  # type: ignore[untyped-decorator]
    def serve(image: Any) -> Any:
        return {"logits": tensorflow.reshape(image, [-1, PIXELS]) @ kept.weights + kept.bias}

    kept.serve = serve
    tensorflow.saved_model.save(kept, str(folder / "v"), signatures={"serving_default": serve})
    return folder / "v"


def tflite(folder: Path, eight: bool = False) -> Path:
    """A TFLite file; in eight bits, input and output too, if asked."""
    import tensorflow

    matrix = world.victim().coef_.T.astype(np.float32)
    image = tensorflow.TensorSpec([None, 8, 8, 1], tensorflow.float32, name="image")

    @tensorflow.function(input_signature=[image])  # type: ignore[untyped-decorator]
    def serve(image: Any) -> Any:
        flat = tensorflow.reshape(image, [-1, PIXELS])
        return flat @ matrix + world.victim().intercept_.astype(np.float32)

    function = serve.get_concrete_function()
    make = tensorflow.lite.TFLiteConverter.from_concrete_functions([function], serve)
    if eight:
        seen = world.flat(world.pictures()[0][:100]).reshape(-1, 1, 8, 8, 1).astype(np.float32)
        make.optimizations = [tensorflow.lite.Optimize.DEFAULT]
        make.representative_dataset = lambda: ([one] for one in seen)
        make.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
        make.inference_input_type = make.inference_output_type = tensorflow.int8
    (folder / "v.tflite").write_bytes(make.convert())
    return folder / "v.tflite"


def weights(folder: Path) -> Path:
    """Weights, and `digits_factory.py` beside them, whose function `linear` builds the module."""
    (folder / "digits_factory.py").write_text(FACTORY)
    model = world.victim()
    tensors = {"1.weight": model.coef_, "1.bias": model.intercept_}
    safetensors.numpy.save_file(plain(tensors), folder / "w.safetensors")
    return folder / "w.safetensors"


def plain(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: np.ascontiguousarray(one, np.float32) for name, one in tensors.items()}


def repository(folder: Path) -> Path:
    """A ViT that is linear.

    Its one patch is the image, doubled with the other sign; beside that it holds +M and -M, so
    large that every normalisation divides by almost the same number.
    """
    folder = folder / "vit"
    folder.mkdir()
    large, width = 1e4, 2 * PIXELS + 2
    ends = np.zeros(width)
    ends[-2:] = large, -large
    divisor = large * np.sqrt(2 / width)
    patch = np.zeros((width, PIXELS))
    patch[:PIXELS], patch[PIXELS : 2 * PIXELS] = np.eye(PIXELS), -np.eye(PIXELS)
    head = np.zeros((CLASSES, width))
    head[:, :PIXELS] = world.victim().coef_ * 2 * divisor * 2
    square, flat = np.zeros((width, width)), np.zeros(width)
    inner = "vit.encoder.layer.0."
    tensors = {
        "classifier.bias": world.victim().intercept_,
        "classifier.weight": head,
        "vit.embeddings.cls_token": ends.reshape(1, 1, -1),
        "vit.embeddings.patch_embeddings.projection.bias": ends,
        "vit.embeddings.patch_embeddings.projection.weight": patch.reshape(-1, 1, 8, 8),
        "vit.embeddings.position_embeddings": np.zeros((1, 2, width)),
        f"{inner}attention.output.dense.weight": np.eye(width) * divisor,
        f"{inner}attention.attention.value.weight": np.eye(width),
    }
    for name in ("attention.attention.query", "attention.attention.key", "intermediate.dense"):
        tensors[f"{inner}{name}.weight"] = square
        tensors[f"{inner}{name}.bias"] = flat
    tensors[f"{inner}output.dense.weight"] = square
    for name in ("output.dense", "attention.output.dense", "attention.attention.value"):
        tensors[f"{inner}{name}.bias"] = flat
    for name in (f"{inner}layernorm_before", f"{inner}layernorm_after", "vit.layernorm"):
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = flat + 1, flat
    safetensors.numpy.save_file(plain(tensors), folder / "model.safetensors", {"format": "pt"})
    config = {
        "architectures": ["ViTForImageClassification"],
        "model_type": "vit",
        "hidden_size": width,
        "intermediate_size": width,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "image_size": 8,
        "patch_size": 8,
        "num_channels": 1,
        "id2label": {str(i): str(i) for i in range(CLASSES)},
        "label2id": {str(i): i for i in range(CLASSES)},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
    return folder
