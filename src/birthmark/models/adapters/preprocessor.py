"""What a `preprocessor_config.json` of transformers declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birthmark.common.errors import BirthmarkError

FIX = "export the model to ONNX (torch.onnx.export) and declare its input"
FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
TYPE = re.compile(r"(\w+?)(ImageProcessor(Fast|Pil)?|FeatureExtractor)")
KNOWN = {
    *("do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb"),
    *("do_flip_channel_order", "do_reduce_labels"),
}


@dataclass(frozen=True)
class Usual:
    """What a kind of preprocessing does where the file does not say."""

    resample: int = 3
    crop: bool = False
    square: bool = True
    normalize: bool = True
    flips: bool = False


KINDS = {
    "Beit": Usual(),
    "Bit": Usual(crop=True, square=False),
    "CLIP": Usual(crop=True, square=False),
    "ConvNext": Usual(square=False),
    "DeiT": Usual(crop=True),
    "MobileNetV1": Usual(2, crop=True, square=False),
    "MobileNetV2": Usual(2, crop=True, square=False),
    "MobileViT": Usual(crop=True, square=False, normalize=False, flips=True),
    "Pvt": Usual(),
    "Siglip": Usual(),
    "ViT": Usual(2),
}


def declared_by(path: Path, config: Mapping[str, Any], channels: int) -> dict[str, Any]:
    """A declaration's fields that say what transformers does with an image.

    Parameters
    ----------
    path
        The file, for messages.
    config
        What it holds.
    channels
        How many the model takes.

    Raises
    ------
    BirthmarkError
        If it does something that cannot be declared.
    """
    kind = TYPE.fullmatch(
        str(config.get("image_processor_type") or config.get("feature_extractor_type"))
    )
    usual = KINDS.get(kind[1]) if kind else None
    if kind is None or usual is None:
        said = kind[1] if kind else "of no kind"
        raise BirthmarkError(path, f"is {said}, not one of {', '.join(KINDS)}", FIX)
    asked = {key for key, value in config.items() if key.startswith("do_") and value}
    if others := sorted(asked - KNOWN):
        raise BirthmarkError(path, f"asks for {', '.join(others)}", FIX)
    if not config.get("do_resize", True):
        raise BirthmarkError(path, "does not resize images", FIX)
    try:
        sizes = _convnext(config) if kind[1] == "ConvNext" else _sizes(config, usual)
        factor = float(config.get("rescale_factor", 1 / 255))
        high = 255 * factor if config.get("do_rescale", True) else 255.0
        fields: dict[str, Any] = sizes | {
            "channels": channels,
            "range": (0.0, round(high, 9)),
            "mean": (0.0,),
            "std": (1.0,),
            "resize": FILTERS[int(config.get("resample", usual.resample))],
            "order": "bgr" if config.get("do_flip_channel_order", usual.flips) else "rgb",
            "layout": "nchw",
            "output": "logits",
        }
        if config.get("do_normalize", usual.normalize):
            fields["mean"] = tuple(float(x) for x in config["image_mean"])
            fields["std"] = tuple(float(x) for x in config["image_std"])
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise BirthmarkError(
            path, f"cannot be understood ({type(error).__name__}: {error})", FIX
        ) from error
    return fields


def _sizes(config: Mapping[str, Any], usual: Usual) -> dict[str, Any]:
    scaled = _size(config["size"], square=usual.square)
    if config.get("do_center_crop", usual.crop):
        cut = _size(config["crop_size"], square=True)
        return {"size": cut, "scale_to": None if cut == scaled else scaled}
    if isinstance(scaled, int):
        raise ValueError("keeps the proportions of images")
    return {"size": scaled, "scale_to": None}


def _convnext(config: Mapping[str, Any]) -> dict[str, Any]:
    side = _size(config["size"], square=False)
    if not isinstance(side, int):
        raise ValueError("its size has no shortest_edge")
    scaled = int(side / float(config.get("crop_pct") or 224 / 256)) if side < 384 else (side, side)
    return {"size": (side, side), "scale_to": None if scaled == (side, side) else scaled}


def _size(value: Any, *, square: bool) -> tuple[int, int] | int:
    if isinstance(value, int):
        return (value, value) if square else value
    given = {name: side for name, side in value.items() if side is not None}
    if set(given) == {"height", "width"}:
        return int(given["width"]), int(given["height"])
    if set(given) == {"shortest_edge"}:
        return int(given["shortest_edge"])
    raise ValueError(f"its size has {', '.join(given) or 'nothing'}")
