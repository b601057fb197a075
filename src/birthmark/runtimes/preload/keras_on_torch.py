"""Keras on torch; it must not import TensorFlow, which takes seconds and is not used."""

import os
import sys

os.environ["KERAS_BACKEND"] = "torch"
sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]

import keras  # noqa: E402

__all__ = ["keras"]
