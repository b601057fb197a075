"""Which files and folders are models, and which are refused."""

from __future__ import annotations

import re
from pathlib import Path

from birthmark.common.errors import BirthmarkError
from birthmark.common.files import files_below

SAVED_MODEL = "saved_model.pb"
REPOSITORY = "config.json"
BESIDE = "preprocessor_config.json", "model*.safetensors*", "pytorch_model*.bin*"
"""What makes a folder with a config.json a repository of a model."""
FILES = "*.onnx", "*.torchscript", "*.ts", "*.pt2", "*.keras", "*.tflite"
RECORDED = "*.safetensors", "*.npz", "*.csv"
MODELS = *FILES, *RECORDED, SAVED_MODEL, REPOSITORY
"""What a folder of models may hold. Never a .api.toml: who makes one says what is sent where."""
MAX_ENTRIES = 1_000_000

REFUSED = {
    re.compile(r".*\.(pt|pth|ckpt|bin)", re.IGNORECASE): (
        "may be a pickle, which could run any code, so it is never loaded",
        "export it to ONNX (torch.onnx.export) or .pt2 (torch.export.save), save its weights as"
        " safetensors, or pass the loaded model in Python",
    ),
    re.compile(r".*\.(pkl|pickle|joblib)", re.IGNORECASE): (
        "may be a pickle, which could run any code, so it is never loaded",
        "export it to ONNX (scikit-learn: skl2onnx), or pass the loaded model in Python",
    ),
    re.compile(r".*\.(h5|hdf5)", re.IGNORECASE): (
        "is Keras's older format, which may hold Python code, so it is never loaded",
        "save it as .keras (model.save('model.keras')) or export it to ONNX (model.export)",
    ),
}


def refuse_pickles(spec: str) -> None:
    """Refuse a file that could run anything when it is read, and say how to convert it.

    Raises
    ------
    BirthmarkError
        If its ending is one of a pickle or the like.
    """
    for pattern, (problem, fix) in REFUSED.items():
        if pattern.fullmatch(spec):
            raise BirthmarkError(spec, problem, fix)


def located(spec: str) -> str:
    """The file that a folder is opened by, if it is a model; otherwise the same again."""
    folder = Path(spec)
    if not folder.is_dir():
        return spec
    if (folder / SAVED_MODEL).is_file():
        return str(folder / SAVED_MODEL)
    if (folder / REPOSITORY).is_file() and any(any(folder.glob(one)) for one in BESIDE):
        return str(folder / REPOSITORY)
    return spec


def models_in(folder: Path) -> list[Path]:
    """The model files in a folder and those below, and the folders that are one model; sorted.

    Raises
    ------
    BirthmarkError
        If there are none.
    """
    files = files_below(folder, MAX_ENTRIES)
    said = {file.parent for file in files if file.name in (SAVED_MODEL, REPOSITORY)} - {folder}
    whole = {one for one in said if located(str(one)) != str(one)}
    single = {file for file in files if any(file.match(one) for one in (*FILES, *RECORDED))}
    found = sorted(one for one in whole | single if not whole & {*one.parents})
    if not found:
        raise BirthmarkError(folder, "holds no models", f"put {', '.join(MODELS)} there")
    return found
