"""TensorFlow Lite files, as apps ship them (extra `tflite`)."""

from __future__ import annotations

from birthmark.models.adapters.base import ADAPTERS
from birthmark.models.adapters.file import FileSuspect


class TfliteSuspect(FileSuspect):
    """A model in a TFLite file; see `FileSuspect`."""

    runtime = "tflite"
    adapter = "tflite"
    what = "TFLite model"


ADAPTERS.register(r".*\.tflite", example="suspect.tflite")(lambda: TfliteSuspect)
