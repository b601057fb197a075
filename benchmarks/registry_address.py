"""What a search in a registry at an address fetches, the first and the second time."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import numpy as np
from fsspec.implementations.memory import MemoryFileSystem

from birthmark.bench.markdown import grid
from birthmark.common.digests import canonical_json, sha256
from birthmark.data.images import ImageSet
from birthmark.data.outputs import Kind, Outputs
from birthmark.registry import new_registry, open_registry
from birthmark.registry.documents import SketchFile
from birthmark.registry.sketch import WIDTH

MODELS, ADDED, PROBES = 10_000, 50, 100
ADDRESS = "counted://bucket/r"
COLUMNS = "search", "listings", "files", "MiB fetched", "MiB written"


class Counted(MemoryFileSystem):  # type: ignore[misc]
    """A memory that counts listings, files and bytes."""

    protocol = ("counted",)
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    counts: ClassVar[Counter[str]] = Counter()

    @classmethod
    def _strip_protocol(cls, path: str) -> Any:
        return MemoryFileSystem._strip_protocol(path.replace("counted://", "memory://"))

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        """One listing."""
        Counted.counts["listings"] += 1
        return super().ls(path, detail, **options)

    def find(self, path: str, **options: Any) -> Any:
        """One listing too; what it looks through is not counted."""
        before = Counted.counts["listings"]
        found = super().find(path, **options)
        Counted.counts["listings"] = before + 1
        return found

    def cat_file(self, path: str, **options: Any) -> bytes:
        """One file, from its first byte on."""
        content: bytes = super().cat_file(path, **options)
        Counted.counts.update(files=1, fetched=len(content))
        return content

    def get_file(self, rpath: str, lpath: str, **options: Any) -> None:
        """One file."""
        super().get_file(rpath, lpath, **options)
        Counted.counts.update(files=1, fetched=Path(lpath).stat().st_size)

    def put_file(self, lpath: str, rpath: str, **options: Any) -> None:
        """One file."""
        super().put_file(lpath, rpath, **options)
        Counted.counts["written"] += Path(lpath).stat().st_size


def section(seed: int) -> str:
    """A table of searches."""
    rng = np.random.default_rng(seed)
    fsspec.register_implementation("counted", Counted, clobber=True)
    pixels = rng.integers(0, 256, (PROBES, 32, 32, 3), np.uint8)
    answers = Outputs.checked(rng.normal(size=(PROBES, 10)), Kind.LOGITS, "suspect")
    lines = []
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        task = new_registry(ADDRESS, ImageSet.from_arrays(pixels), PROBES).about.task
        _add(task, MODELS, rng)
        for what, fresh, added in (
            ("the first of all, which writes the index", True, 0),
            ("the second", False, 0),
            ("the first on another machine", True, 0),
            (f"after {ADDED} models were added", False, ADDED),
        ):
            if fresh:
                shutil.rmtree(cache)
            _add(task, added, rng)
            Counted.counts.clear()
            open_registry(ADDRESS).nearest_to(answers)
            count = Counted.counts
            size = [f"{count[one] / 2**20:.1f}" for one in ("fetched", "written")]
            lines.append([what, str(count["listings"]), f"{count['files']:,}", *size])
    return "\n\n".join(
        [
            f"{MODELS:,} random sketches of answers and labels, a task set of {PROBES} images of 32"
            " pixels, in fsspec's memory filesystem. An object store gives some 1,000 names a"
            f" request, so that a listing of all models takes {MODELS // 1000}, or twice as many"
            " with their files. Besides, each of the ten fingerprints that audit a suspect is"
            " fetched once (one listing, two files).",
            grid(COLUMNS, lines),
        ]
    )


def _add(task: str, count: int, rng: np.random.Generator) -> None:
    files = fsspec.filesystem("counted")
    for _ in range(count):
        seal = sha256(rng.bytes(16))
        numbers = rng.integers(-60, 61, (2, WIDTH)).tolist()
        told = SketchFile(
            task=task, fingerprint=seal, answers=numbers[0], labels=numbers[1], weights=None
        )
        folder = f"/bucket/r/models/model-{seal.removeprefix('sha256:')[:12]}"
        files.pipe_file(f"{folder}/fingerprint.birthmark", b"")
        files.pipe_file(f"{folder}/sketch.json", canonical_json(told.model_dump(mode="json")))
