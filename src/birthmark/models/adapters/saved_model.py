"""Folders of TensorFlow's SavedModel (extra `tensorflow`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from birthmark.models.adapters.base import ADAPTERS
from birthmark.models.adapters.file import FileSuspect
from birthmark.models.adapters.parts import of_folder


class SavedModelSuspect(FileSuspect):
    """A model in a folder with `saved_model.pb`; see `FileSuspect`.

    Parameters
    ----------
    path
        The folder, or its `saved_model.pb`.
    fields
        The declaration's fields.
    lineage
        Its kind of architecture, if known.
    """

    runtime = "saved-model"
    adapter = "saved_model"
    what = "SavedModel"

    def __init__(
        self, path: str | Path, fields: dict[str, Any], lineage: str | None = None
    ) -> None:
        path = Path(path)
        super().__init__(path if path.is_dir() else path.parent, fields, lineage)

    def readable(self, path: Path) -> Sequence[Path]:  # noqa: ARG002
        """How its process was called: TensorFlow ends itself if it cannot read that."""
        return [Path("/proc/self/cmdline")]

    def files(self, path: Path, limit: int) -> list[Path]:  # noqa: ARG002
        """All of the folder."""
        return of_folder(path)


ADAPTERS.register(r"(.*/)?saved_model\.pb", example="saved_model.pb")(lambda: SavedModelSuspect)
