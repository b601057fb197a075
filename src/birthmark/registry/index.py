"""All sketches of a registry, packed into files that are mapped into memory: a cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from birthmark.common.digests import sha256
from birthmark.common.files import whole_folder
from birthmark.registry.search import CODE, Floats, Rows, coded, scale_of
from birthmark.registry.sketch import WIDTH, Sketches

NAME = np.dtype("S64")
ANSWERS, LABELS, WEIGHTS = "answers", "labels", "weights"
PARTIAL = LABELS, WEIGHTS
"""Kinds of sketches that not every model has."""
SAMPLE = 499
"""Models that tell how near innocent ones come to each other: at most half of all."""
SCALING = 4096
"""Others, by which all are scaled: what they differ in is fitted to them."""
BLOCK = 1 << 14

Read = Callable[[str, str], Sketches]
"""From a kind and a model's name to its sketch."""


class Survey(NamedTuple):
    """Models that can be searched, whether by labels and weights too, and what else there is."""

    models: list[str]
    having: dict[str, list[bool]]
    problems: dict[str, str]


@dataclass(frozen=True)
class Index:
    """The models of a registry as it was.

    Attributes
    ----------
    folder
        Holds `names.npy`; for answers, labels and weights the sketches (`answers.npy`), their codes
        and scale (`answers-codes.npy`, `answers-scale.npy`), how near some models come to any
        other (`answers-others.npy`), and which models have such a sketch if not all have
        (`labels-having.npy`).
    names
        Of all models, sorted, bytes of 64 at most, (n,).
    having
        Which of them have a sketch of labels, and of weights, bool (n,).
    rows
        Of each kind the sketches, in the order of `of(kind)`.
    others
        Of each kind what `indexed` tells.
    """

    folder: Path
    names: NDArray[np.bytes_]
    having: dict[str, NDArray[np.bool_]]
    rows: dict[str, Rows]
    others: dict[str, Floats]

    @classmethod
    def opened(cls, folder: Path) -> Index | None:
        """Map it; None if it isn't there, or not whole.

        What is mapped stays, also when another process replaces or removes the folder.
        """
        try:
            names = _mapped(folder / "names.npy", NAME, (None,))
            size = len(names)
            index = cls(folder, names, {}, {}, {})
            for kind in PARTIAL:
                index.having[kind] = _mapped(folder / f"{kind}-having.npy", np.bool_, (size,))
            for kind in (ANSWERS, *PARTIAL):
                size = len(index.of(kind))
                scale = _mapped(folder / f"{kind}-scale.npy", np.float32, (None, WIDTH))
                others = _mapped(folder / f"{kind}-others.npy", np.float32, (sampled(size),))
                if not len(scale) or not np.isfinite(scale).all() or not np.isfinite(others).all():
                    return None
                index.others[kind] = others
                index.rows[kind] = Rows(
                    _mapped(folder / f"{kind}.npy", np.int8, (size, WIDTH)),
                    _mapped(folder / f"{kind}-codes.npy", np.uint16, (size, CODE)),
                    scale,
                )
        except Exception:  # numpy's reader of heads raises what Python's parser does
            return None
        return index

    def of(self, kind: str) -> NDArray[np.bytes_]:
        """Names of the models that have such a sketch."""
        named: NDArray[np.bytes_] = self.names[self.having[kind]] if kind in PARTIAL else self.names
        return named

    def chance(self, kind: str, cosine: float) -> float:
        """How often a model of the registry comes as near as this to any other one.

        A rank among some 500 of them, drawn by their names' digests: at least 1 / (their number +
        1). For a suspect that is one more such model it is a p-value of the whole search, however
        many models are searched: each of these was compared with all others too, and none of them
        helped to tell the scale. The smallest ranks are reached up to twice as often (simulated),
        since these models were not compared with the suspect.
        """
        others = self.others[kind]
        return (1 + int((others >= cosine).sum())) / (len(others) + 1)


def sampled(models: int) -> int:
    """How many of so many models tell how near innocent ones come."""
    return min(models // 2, SAMPLE)


def indexed(sketches: Sketches, order: NDArray[np.int64]) -> tuple[Rows, Floats]:
    """Scale sketches, and tell how near some come to any other one.

    Parameters
    ----------
    sketches
        int8 (n, 2048).
    order
        Places in random order: the first come in the sample, those after them tell the scale.

    Returns
    -------
    tuple
        Rows; float32 (sampled(n),), cosines, sorted.
    """
    drawn, others = np.split(order, [sampled(len(sketches))])
    scale = scale_of(sketches, np.sort(others[:SCALING]))
    codes, near = coded(sketches, scale, drawn)
    return Rows(sketches, codes, scale), near


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
        for kind in (ANSWERS, *PARTIAL):
            some = named
            if kind in PARTIAL:
                flags = np.array(having[kind], np.bool_)
                np.save(passing / f"{kind}-having.npy", flags)
                some = named[flags]
            _pack(passing / f"{kind}.npy", some, kind, old, read)
            sketches = _mapped(passing / f"{kind}.npy", np.int8, (len(some), WIDTH))
            order = np.array(sorted(range(len(some)), key=lambda i: sha256(bytes(some[i]))), int)
            rows, near = indexed(sketches, order)
            np.save(passing / f"{kind}-scale.npy", rows.scale)
            np.save(passing / f"{kind}-codes.npy", rows.codes)
            np.save(passing / f"{kind}-others.npy", near)


def _pack(file: Path, names: NDArray[np.bytes_], kind: str, old: Index | None, read: Read) -> None:
    """Write sketches, not by a map: on a full disk that kills the process."""
    places, known = np.zeros(len(names), int), np.zeros(len(names), bool)
    if old is not None and len(there := old.of(kind)):
        places = np.searchsorted(there, names)
        places[places == len(there)] = 0
        known = there[places] == names
    head = {"descr": "|i1", "fortran_order": False, "shape": (len(names), WIDTH)}
    with file.open("wb") as out:
        np.lib.format.write_array_header_1_0(out, head)
        for start in range(0, len(names), BLOCK):
            had = known[start : start + BLOCK]
            block = np.empty((len(had), WIDTH), np.int8)
            if old is not None:
                block[had] = old.rows[kind].sketches[places[start : start + BLOCK][had]]
            for i in np.flatnonzero(~had):
                block[i] = read(kind, names[start + i].decode())
            out.write(block.tobytes())


def _mapped(file: Path, dtype: DTypeLike, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """An array of that type and shape, of which None is any length; else ValueError."""
    array: NDArray[Any] = np.lib.format.open_memmap(file, mode="r")
    if array.dtype != dtype or len(array.shape) != len(shape):
        raise ValueError(file)
    if any(wanted not in (None, length) for wanted, length in zip(shape, array.shape, strict=True)):
        raise ValueError(file)
    return array
