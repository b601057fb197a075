"""Image-classification repositories in the layout of Hugging Face, run by transformers on torch."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from birthmark.common.errors import BirthmarkError
from birthmark.models.runtimes.base import RUNTIMES, Load, Runtime, Takes
from birthmark.models.runtimes.extras import extra
from birthmark.models.runtimes.tensors import TorchRuntime


def preload() -> None:
    """Import transformers, kept from looking for anything outside."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]
    import torch  # noqa: F401
    import transformers
    from transformers import AutoModelForImageClassification  # noqa: F401

    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]


def load(path: Path, options: Mapping[str, str]) -> Runtime:  # noqa: ARG001
    """Load the folder of a repository: safetensors only, no code of its own, all weights.

    Raises
    ------
    BirthmarkError
        If transformers knows no such model, or weights are missing or of another shape.
    """
    with extra("hub", path):
        preload()
    import torch
    from transformers import AutoModelForImageClassification

    torch.set_num_threads(1)
    model, told = AutoModelForImageClassification.from_pretrained(
        str(path),
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        weights_only=True,
        output_loading_info=True,
        dtype=torch.float32,
    )
    for problem, key in (("lacks", "missing_keys"), ("has another shape for", "mismatched_keys")):
        names = sorted(map(str, told.get(key) or ()))
        if names:
            raise BirthmarkError(
                path,
                f"{problem} {', '.join(names[:5])} ({len(names)} in all)",
                "name a repository with the weights of an image classifier",
            )
    model.eval()

    def logits(batch: Any) -> Any:
        return model(pixel_values=batch).logits

    return TorchRuntime(Takes("pixel_values", "float32", None), logits)


RUNTIMES.register("hugging-face", example="hugging-face")(lambda: _load)
_load: Load = load
