"""ONNX files, run by onnxruntime."""

from __future__ import annotations

from birthmark.models.adapters.base import ADAPTERS
from birthmark.models.adapters.file import FileSuspect


class OnnxSuspect(FileSuspect):
    """A model in an ONNX file; see `FileSuspect`."""

    runtime = "onnx"
    adapter = "onnx"
    what = "ONNX model"


ADAPTERS.register(r".*\.onnx", example="victim.onnx")(lambda: OnnxSuspect)
