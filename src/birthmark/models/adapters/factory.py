"""Weights in safetensors, and a function that builds the torch module (extra `torch`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from birthmark.models.adapters.base import ADAPTERS
from birthmark.models.adapters.declaration import combined, declared_beside
from birthmark.models.adapters.file import FileSuspect


class FactorySuspect(FileSuspect):
    """A torch module that a function builds, with weights from a file; see `FileSuspect`.

    The function is imported in the separate process, from the current folder on.

    Parameters
    ----------
    path
        `module:function@weights.safetensors`.
    fields
        The declaration's fields.
    lineage
        Its kind of architecture, if known.
    """

    runtime = "factory"
    adapter = "factory"
    what = "safetensors file"

    def __init__(
        self, path: str | Path, fields: dict[str, Any], lineage: str | None = None
    ) -> None:
        self._factory, _, weights = str(path).partition("@")
        self._folder = Path.cwd()
        super().__init__(weights, fields, lineage)

    @classmethod
    def opened(cls, spec: str, passed: dict[str, Any], lineage: str | None) -> FactorySuspect:
        """Open it with what is declared beside the weights."""
        beside = declared_beside(Path(spec.partition("@")[2]))
        return cls(spec, combined(spec, beside, passed), lineage)

    def name(self, path: Path) -> str:
        """The function and the file."""
        return f"{self._factory}@{path.name}"

    def options(self, path: Path) -> Mapping[str, str]:  # noqa: ARG002
        """The function, and where it is imported from."""
        return {"factory": self._factory, "folder": str(self._folder)}

    def readable(self, path: Path) -> Sequence[Path]:  # noqa: ARG002
        """The current folder, which holds the function's code."""
        return (self._folder,)


ADAPTERS.register(
    r"[A-Za-z_][\w.]*:[A-Za-z_]\w*@.*\.safetensors", example="module:function@weights.safetensors"
)(lambda: FactorySuspect)
