"""All sketches of a registry, packed into files that are mapped into memory: a cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.digests import sha256
from birthmark.common.files import whole_folder
from birthmark.registry.search import BLOCK, HEAD, ROW, Floats, Rows, nearest_others, weigh

NAME = np.dtype("S64")
ANSWERS, LABELS, WEIGHTS = "answers", "labels", "weights"
SOME = LABELS, WEIGHTS
"""Kinds of sketches that not every model has."""
SAMPLE = 499
"""Models that tell how near innocent ones come to each other."""

Read = Callable[[str, str], Floats]
"""From a kind and a model's name to its sketch."""


@dataclass(frozen=True)
class Index:
    """The models of a registry as it was.

    Attributes
    ----------
    folder
        Holds `names.npy`, and for answers, labels and weights the sketches (`answers.npy`), how
        near some models come to any other (`answers-others.npy`), and which models have such a
        sketch if not all have (`labels-having.npy`).
    names
        Of all models, sorted, bytes of 64 at most, (n,).
    having
        Which of them have a sketch of labels, and of weights, bool (n,).
    """

    folder: Path
    names: NDArray[np.bytes_]
    having: dict[str, NDArray[np.bool_]]

    @classmethod
    def opened(cls, folder: Path) -> Index | None:
        """Map it; None if it isn't there, or not whole."""
        names = _mapped(folder / "names.npy")
        if names is None or names.dtype != NAME:
            return None
        index = cls(folder, names, {})
        for kind in SOME:
            having = _mapped(folder / f"{kind}-having.npy")
            if having is None or having.dtype != np.bool_ or len(having) != len(names):
                return None
            index.having[kind] = having
        for kind in (ANSWERS, *SOME):
            size = len(index.of(kind))
            rows = _mapped(folder / f"{kind}.npy")
            others = _mapped(folder / f"{kind}-others.npy")
            if rows is None or rows.dtype != ROW or rows.shape != (HEAD + size,):
                return None
            if others is None or others.dtype != np.float32 or len(others) != min(size, SAMPLE):
                return None
        return index

    def of(self, kind: str) -> NDArray[np.bytes_]:
        """Names of the models that have such a sketch."""
        named: NDArray[np.bytes_] = self.names[self.having[kind]] if kind in SOME else self.names
        return named

    def rows(self, kind: str) -> Rows:
        """Sketches of a kind, in the order of `of(kind)`."""
        rows: Rows = np.load(self.folder / f"{kind}.npy", mmap_mode="r", allow_pickle=False)
        return rows

    def chance(self, kind: str, cosine: float) -> float:
        """How often a model of the registry comes as near as this to any other one.

        A rank among some 500 of them, drawn by their names' digests: at least 1 / (their number +
        1). For a suspect that is one more such model it is a p-value of the whole search, however
        many models are searched, since each of these was compared with all others too.
        """
        others = np.load(self.folder / f"{kind}-others.npy", allow_pickle=False)
        return (1 + int((others >= cosine).sum())) / (len(others) + 1)


def write(
    folder: Path,
    names: Sequence[str],
    having: Mapping[str, Sequence[bool]],
    old: Index | None,
    read: Read,
) -> None:
    """Write an index, from an old one as far as that has the models.

    A name stands for one content, so that what is known of a name is not read again.

    Raises
    ------
    BirthmarkError
        If a sketch can't be read, or the folder can't be written.
    """
    named = np.array(names, NAME)
    with whole_folder(folder) as passing:
        np.save(passing / "names.npy", named)
        for kind in (ANSWERS, *SOME):
            some = named
            if kind in SOME:
                flags = np.array(having[kind], np.bool_)
                np.save(passing / f"{kind}-having.npy", flags)
                some = named[flags]
            file = passing / f"{kind}.npy"
            rows = np.lib.format.open_memmap(file, "w+", ROW, (HEAD + len(some),))
            _fill(rows["sketch"][HEAD:], some, kind, old, read)
            weigh(rows)
            rows.flush()
            drawn = sorted(range(len(some)), key=lambda i: sha256(bytes(some[i])))[:SAMPLE]
            near = nearest_others(rows, np.array(drawn, np.int64))
            np.save(passing / f"{kind}-others.npy", near)


def _fill(
    sketches: Floats, names: NDArray[np.bytes_], kind: str, old: Index | None, read: Read
) -> None:
    known = np.zeros(len(names), bool)
    if old is not None and len(there := old.of(kind)):
        places = np.searchsorted(there, names)
        places[places == len(there)] = 0
        known = there[places] == names
        before = old.rows(kind)["sketch"][HEAD:]
        for start in range(0, len(names), BLOCK):
            some = start + np.flatnonzero(known[start : start + BLOCK])
            sketches[some] = before[places[some]]
    for i in np.flatnonzero(~known):
        sketches[i] = read(kind, names[i].decode())


def _mapped(file: Path) -> NDArray[Any] | None:
    try:
        array: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array if array.ndim == 1 else None
