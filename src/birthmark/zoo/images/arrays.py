"""The images of a zoo as arrays: read and divided once, then mapped by every worker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.digests import sha256
from birthmark.common.files import whole_folder
from birthmark.data.images import Progress, silent
from birthmark.zoo.images.sources import SOURCES, Samples
from birthmark.zoo.images.splits import Positions, Split, foreign, new_task, own_task
from birthmark.zoo.plan import Part, Plan


@dataclass(frozen=True)
class Arrays:
    """A set of images, divided.

    Attributes
    ----------
    pixels
        uint8 (n, channels, size, size), mapped from a file.
    labels
        int64 (n,).
    parts
        Positions of each part's images, int64.
    pairs
        For verification: int64 (k, 3), two positions and whether they show the same person.
    people
        int64 (n,), where they are known.
    classes
        How many labels there are.
    digest
        Digest of all of it.
    """

    pixels: NDArray[np.uint8]
    labels: Positions
    parts: Mapping[str, Positions]
    pairs: Positions | None
    people: Positions | None
    classes: int
    digest: str

    def part(self, which: Part, seed: int) -> Positions:
        """Positions of the images that a model is trained on; `seed` picks a random half."""
        if which is not Part.HALF:
            return self.parts[which]
        both = np.concatenate([self.parts[Part.OWNER], self.parts[Part.THIEF]])
        units = both if self.people is None else self.people[both]
        some = np.random.default_rng((seed, 3)).permutation(np.unique(units))
        return np.sort(both[np.isin(units, some[: len(some) // 2])])


def prepare(plan: Plan, data: Path, folder: Path, progress: Progress = silent) -> None:
    """Read and divide a plan's images into `folder`/{own,new,foreign}, unless that is done.

    Raises
    ------
    BirthmarkError
        If a set of images is missing, broken or too small.
    """
    if all((folder / name).exists() for name in ("own", "new", "foreign")):
        return

    @cache
    def read(source: str) -> Samples:
        return SOURCES.make(source)(data / source, progress)

    samples = read(plan.images.source)
    own = own_task(plan, samples)
    _write(folder / "own", plan, samples, own, progress)
    same = plan.transfer.source == plan.images.source
    other = read(plan.transfer.source)
    _write(folder / "new", plan, other, new_task(plan, other, own if same else None), progress)
    queries = read(plan.foreign.source)
    _write(folder / "foreign", plan, queries, foreign(plan, queries), progress)


@lru_cache(maxsize=6)
def load(folder: Path) -> Arrays:
    """Map what `prepare` wrote."""
    facts = json.loads((folder / "facts.json").read_text())
    with np.load(folder / "parts.npz", allow_pickle=False) as file:
        arrays = dict(file)
    return Arrays(
        pixels=np.load(folder / "pixels.npy", mmap_mode="r", allow_pickle=False),
        labels=arrays["labels"],
        parts={
            name.removeprefix("part-"): array
            for name, array in arrays.items()
            if name.startswith("part-")
        },
        pairs=arrays.get("pairs"),
        people=arrays.get("people"),
        classes=facts["classes"],
        digest=facts["digest"],
    )


def _write(folder: Path, plan: Plan, samples: Samples, chosen: Split, progress: Progress) -> None:
    if folder.exists():
        return
    channels, size = plan.images.channels, plan.images.size
    positions = np.unique(np.concatenate(list(chosen.parts.values())))
    pixels = np.empty((len(positions), channels, size, size), np.uint8)
    for i, position in enumerate(positions):
        image = samples.images[int(position)]
        pixels[i] = image.array(channels, (size, size), "bilinear").transpose(2, 0, 1)
        progress(f"Decoding images ({folder.name})", i + 1, len(positions))
    arrays: dict[str, Any] = {
        f"part-{name}": np.searchsorted(positions, part) for name, part in chosen.parts.items()
    }
    arrays["labels"] = chosen.labels[positions]
    if samples.people is not None:
        arrays["people"] = samples.people[positions]
    if chosen.pairs is not None:
        places = np.searchsorted(positions, chosen.pairs[:, :2])
        arrays["pairs"] = np.column_stack([places, chosen.pairs[:, 2]])
    with whole_folder(folder) as passing:
        np.save(passing / "pixels.npy", pixels)
        np.savez(passing / "parts.npz", **arrays)
        digest = sha256(
            pixels.data, *(np.ascontiguousarray(array).data for _, array in sorted(arrays.items()))
        )
        facts = {"classes": chosen.classes, "digest": digest}
        (passing / "facts.json").write_text(json.dumps(facts) + "\n")
