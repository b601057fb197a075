"""Keras archives (extra `keras`)."""

from __future__ import annotations

from birthmark.models.adapters.base import ADAPTERS
from birthmark.models.adapters.file import FileSuspect


class KerasSuspect(FileSuspect):
    """A model in a `.keras` archive; see `FileSuspect`."""

    runtime = "keras"
    adapter = "keras"
    what = "Keras archive"


ADAPTERS.register(r".*\.keras", example="victim.keras")(lambda: KerasSuspect)
