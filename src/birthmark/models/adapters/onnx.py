"""ONNX files, run by onnxruntime."""

from __future__ import annotations

from pathlib import Path

from birthmark.models.adapters.base import ADAPTERS
from birthmark.models.adapters.file import FileSuspect
from birthmark.models.adapters.parts import of_onnx


class OnnxSuspect(FileSuspect):
    """A model in an ONNX file; see `FileSuspect`."""

    runtime = "onnx"
    adapter = "onnx"
    what = "ONNX model"

    def files(self, path: Path, limit: int) -> list[Path]:
        """The file, and those that it takes weights from."""
        return of_onnx(path, limit)


ADAPTERS.register(r".*\.onnx", example="victim.onnx")(lambda: OnnxSuspect)
