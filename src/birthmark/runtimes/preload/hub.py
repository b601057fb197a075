"""Transformers, kept from looking for anything outside."""

import os
import sys

os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "USE_TF": "0", "USE_FLAX": "0"}
sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]

import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import AutoModelForImageClassification  # noqa: E402

transformers.logging.set_verbosity_error()

__all__ = ["AutoModelForImageClassification", "torch", "transformers"]
