"""Image-classification repositories in the layout of Hugging Face (extra `hub`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from birthmark.common.errors import BirthmarkError
from birthmark.common.files import read_bytes
from birthmark.common.jsons import has_few_parts
from birthmark.models.adapters.base import ADAPTERS
from birthmark.models.adapters.declaration import combined, declared_beside
from birthmark.models.adapters.file import FileSuspect
from birthmark.models.adapters.hub import SPEC, cached
from birthmark.models.adapters.parts import of_folder
from birthmark.models.adapters.preprocessor import declared_by

MAX_JSON = 4 << 20
MAX_PARTS = 100_000
PREPROCESSOR = "preprocessor_config.json"


class HuggingFaceSuspect(FileSuspect):
    """A repository with config.json, preprocessor_config.json and safetensors; see `FileSuspect`.

    Its preprocessor_config.json is its declaration.

    Parameters
    ----------
    path
        A local folder, its `config.json`, or `hf:owner/name[@revision]`, which is looked up in the
        local cache only.
    fields
        Fields of the declaration; they must not contradict the repository.
    lineage
        Its kind of architecture, if known.
    """

    runtime = "hugging-face"
    adapter = "hugging_face"
    what = "image classifier of transformers"

    def __init__(
        self, path: str | Path, fields: dict[str, Any], lineage: str | None = None
    ) -> None:
        match = SPEC.fullmatch(str(path))
        folder = cached(str(path)) if match else Path(path)
        folder = folder.parent if folder.name == "config.json" else folder
        self._repository = f"{match['repository']}@{folder.name[:12]}" if match else None
        told = _told(folder)
        if told:
            fields = combined(path, told, fields, f"its {PREPROCESSOR}")
        super().__init__(folder, fields, lineage)

    @classmethod
    def opened(cls, spec: str, passed: dict[str, Any], lineage: str | None) -> HuggingFaceSuspect:
        """Open it; a birthmark.toml counts only where the repository declares nothing."""
        folder = Path(spec).parent
        if not SPEC.fullmatch(spec) and not (folder / PREPROCESSOR).exists():
            passed = combined(spec, declared_beside(folder), passed)
        return cls(spec, passed, lineage)

    def name(self, path: Path) -> str:
        """Owner, name and commit, or a local folder's name."""
        return self._repository or path.name

    def files(self, path: Path, limit: int) -> list[Path]:  # noqa: ARG002
        """All of the folder."""
        return of_folder(path, self.readable(path))

    def readable(self, path: Path) -> Sequence[Path]:
        """Where the cache keeps the contents of the files that it links to."""
        return [path.parent.parent / "blobs"] if self._repository else []


ADAPTERS.register(r"hf:[^:]+/[^:]+|(.*/)?config\.json", example="hf:owner/name")(
    lambda: HuggingFaceSuspect
)


def _told(folder: Path) -> dict[str, Any]:
    """What the repository declares, once it is sure that nothing in it is code or a pickle."""
    config = _read(folder / "config.json")
    if "auto_map" in config:
        raise BirthmarkError(
            folder,
            "brings its own Python code (auto_map), which is never run",
            "export the model to ONNX, or pass it in Python as a function",
        )
    stated = config.get("architectures")
    kinds = stated if isinstance(stated, list) else []
    if not any(str(kind).endswith("ForImageClassification") for kind in kinds):
        raise BirthmarkError(
            folder,
            f"is a model of type {', '.join(map(str, kinds)) or 'unknown'}",
            "name an image classifier",
        )
    if not any(folder.glob("model*.safetensors")):
        raise BirthmarkError(
            folder,
            "holds no safetensors; pickled weights are never loaded",
            "load it somewhere safe and save it with save_pretrained",
        )
    if not (folder / PREPROCESSOR).exists():
        return {}
    path = folder / PREPROCESSOR
    channels = config.get("num_channels", 3)
    return declared_by(path, _read(path), channels)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = read_bytes(path, MAX_JSON)
        if not has_few_parts(data, MAX_PARTS):
            raise BirthmarkError(path, "has too many parts", "replace it")
        config = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BirthmarkError(path, f"is not JSON ({error})", "replace it") from error
    if not isinstance(config, dict):
        raise BirthmarkError(path, "is not a JSON object", "replace it")
    return config
