"""Models in files, run in a separate process; a file a kind of model derives its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image
from birthmark.data.outputs import Outputs
from birthmark.models.adapters.base import Description
from birthmark.models.adapters.declaration import HOW_TO_DECLARE, Declaration
from birthmark.models.adapters.parts import digest_of_files
from birthmark.models.runtimes.base import RunError, Takes
from birthmark.models.runtimes.trusted import Trusted
from birthmark.models.sandbox import Limits, Sandboxed

MOST = 32
"""Images asked at a time, where they are of a usual size."""
MAX_BATCH = 256 << 20
"""Bytes of a batch, above which fewer images are asked at a time."""
MAX_FIXED = 1 << 30
"""Bytes of a batch whose size the file fixes."""


class FileSuspect:
    """A model in a file with one image input; its first output is the answer.

    Parameters
    ----------
    path
        The file.
    fields
        The declaration's fields; what is missing or contradicts the file is told.
    lineage
        Its kind of architecture, if known.
    device
        `cpu`, or `cuda` for a GPU, where the file is trusted: it runs in this process then.

    Attributes
    ----------
    runtime
        Which of `birthmark.models.runtimes` runs it.
    adapter
        Its adapter's name.
    what
        How messages call such a file.
    batch
        Images asked at a time.
    beside
        Names of files beside it that it takes weights from.

    Raises
    ------
    BirthmarkError
        If the file is no such model, or the declaration does not fit it.
    """

    runtime: ClassVar[str]
    adapter: ClassVar[str]
    what: ClassVar[str] = "model"

    def __init__(
        self,
        path: str | Path,
        fields: dict[str, Any],
        lineage: str | None = None,
        device: str = "cpu",
    ) -> None:
        path = Path(path)
        self._source = str(path)
        limits = Limits.of_environment()
        files = self.files(path, limits.file)
        self.beside = [] if path.is_dir() else [one.name for one in files if one != path]
        self._model: Sandboxed | Trusted
        if device != "cpu":
            self._model = Trusted(self.runtime, path, device, self.what)
        else:
            self._model = Sandboxed(
                self.runtime,
                path,
                self.options(path),
                limits,
                parts=files,
                readable=self.readable(path),
                what=self.what,
            )
        takes = self._model.takes
        seen = f"{path} (its input is {takes.name!r} {takes.dtype} {_sides(takes)})"
        self._declaration = Declaration.of(seen, fields)
        self._require_fit(takes, seen)
        self.batch: int | None
        self.batch, self._fixed = self._batch(takes, seen)
        self.description = Description(
            name=self.name(path),
            adapter=self.adapter,
            output=self._declaration.output,
            digest=digest_of_files(path, files, limits.file),
            declaration=self._declaration,
            lineage=lineage,
        )

    def name(self, path: Path) -> str:
        """How people call it."""
        return path.name

    def options(self, path: Path) -> Mapping[str, str]:  # noqa: ARG002
        """What only its runtime knows."""
        return {}

    def readable(self, path: Path) -> Sequence[Path]:  # noqa: ARG002
        """What else it may read than the files that it consists of."""
        return ()

    def files(self, path: Path, limit: int) -> list[Path]:  # noqa: ARG002
        """The files that it consists of, each of at most `limit` bytes."""
        return [path]

    @property
    def unprotected(self) -> list[str]:
        """Protections that this system does not have, so that the file ran without them."""
        return list(self._model.missing)

    @property
    def portable(self) -> bool:
        """Whether it can be pickled, and asked by another process that sees the same files."""
        return isinstance(self._model, Sandboxed)

    def answer(self, images: Sequence[Image]) -> Outputs:
        """Run the model; one with a fixed batch size gets its last batch filled up.

        One that says that it takes any number of images, but fails on several, is asked one by one.
        """
        wanted = list(images)
        if self._fixed and self.batch:
            wanted += [wanted[-1]] * (-len(wanted) % self.batch)
        try:
            values = self._run(wanted)
        except RunError as error:
            if self._fixed or len(wanted) == 1:
                raise
            try:
                first = self._run(wanted[:1])
            except BirthmarkError:
                raise error from None
            values = np.concatenate([first, *(self._run([one]) for one in wanted[1:])])
            self.batch = 1
        return Outputs.checked(values[: len(images)], self._declaration.output, self._source)

    def _run(self, images: list[Image]) -> NDArray[Any]:
        """The model's answers to a batch, without axes of length one beside the classes."""
        values = self._model.run(self._declaration.batch(images))
        if values.ndim == 0 or len(values) != len(images):
            raise RunError(
                self._source,
                f"answered {len(images)} images with the shape {values.shape}",
                "export it with the batch as the first axis of its first output",
            )
        if values.ndim > 2:
            longer = [side for side in values.shape[1:] if side != 1]
            values = values.reshape(len(values), *(longer or [1]))
        return values

    def _batch(self, takes: Takes, seen: str) -> tuple[int, bool]:
        """How many images to ask about at a time, and whether it must be so many."""
        image = 4 * math.prod(self._declaration.shape())
        fixed = takes.shape[0] if takes.shape else None
        if fixed is None or fixed < 1:
            return max(1, min(MOST, MAX_BATCH // image)), False
        if fixed * image > MAX_FIXED:
            raise BirthmarkError(
                seen, f"takes {fixed} images at a time", "export it with a smaller batch"
            )
        return fixed, True

    def _require_fit(self, takes: Takes, seen: str) -> None:
        if takes.dtype != "float32":
            raise BirthmarkError(seen, "does not take float32", "export it with a float32 input")
        if takes.shape is None:
            return
        expected, declared = takes.shape[1:], self._declaration.shape()
        fits = len(expected) == len(declared) and all(
            have == want or have is None for have, want in zip(expected, declared, strict=True)
        )
        if not fits:
            raise BirthmarkError(seen, f"the declared image is {list(declared)}", HOW_TO_DECLARE)


def _sides(takes: Takes) -> str:
    if takes.shape is None:
        return "of unknown shape"
    return f"[{', '.join('any' if side is None else str(side) for side in takes.shape)}]"
