"""Answers recorded beforehand: npz, safetensors or CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.digests import sha256_of_file
from birthmark.errors import BirthmarkError
from birthmark.images import Image, load_npz
from birthmark.outputs import Kind, Outputs
from birthmark.suspects.base import ADAPTERS, Description
from birthmark.suspects.tables import table_of

MAX_FILE = 512 << 20
MAX_HEADER = 1 << 20
VALUES = "values"


class RecordedSuspect:
    """The answers a model gave to a fingerprint's probes.

    A CSV has a header, a column `probe` (the probe's file name) and one column a number, its rows
    in any order. npz and safetensors hold `values`, (n, width) or (n,) for labels, in the order of
    the probes. Similarities have one column a reference image; of a CSV the rows of the reference
    images themselves, the first probes, may be missing.

    Parameters
    ----------
    path
        The file.
    fields
        `output`, unless the file says it; nothing else.
    family
        The model's kind of architecture, if known.

    Raises
    ------
    BirthmarkError
        If the file is not of such a form, or does not say what its numbers are.
    """

    batch: int | None = None

    def __init__(self, path: str | Path, fields: dict[str, Any], family: str | None = None) -> None:
        path = Path(path)
        if not path.is_file():
            raise BirthmarkError(path, "does not exist", "name a .csv, .npz or .safetensors file")
        if path.stat().st_size > MAX_FILE:
            raise BirthmarkError(path, f"is over {MAX_FILE >> 20} MiB", "record fewer probes")
        read = {".csv": _read_csv, ".npz": _read_npz, ".safetensors": _read_safetensors}
        self._probes, values, kind = read[path.suffix](path)
        stated = fields.get("output") or kind
        if stated not in list(Kind):
            raise BirthmarkError(
                path,
                f"does not say what its numbers are (shape {values.shape})",
                f"pass --output with one of {', '.join(Kind)}",
            )
        if kind is not None and stated != kind:
            raise BirthmarkError(path, f"says {kind}, but {stated} was passed", "drop --output")
        self._source = str(path)
        self._outputs = Outputs.checked(values, Kind(stated), self._source)
        self.description = Description(
            name=path.name,
            adapter="recorded",
            output=self._outputs.kind,
            digest=sha256_of_file(path),
            family=family,
        )

    def count(self, probes: Sequence[Image]) -> int:
        """How many of these probes, the first ones, are answered if no answer is to another."""
        return len(self._outputs) + len(self._unasked(probes))

    def _unasked(self, images: Sequence[Image]) -> list[str]:
        """Names of reference images that similarities were recorded without."""
        if self._probes is None or self._outputs.kind is not Kind.SIMILARITIES:
            return []
        asked = set(self._probes)
        return [
            name for one in images[: self._outputs.classes] if (name := _name(one)) not in asked
        ]

    def answer(self, images: Sequence[Image]) -> Outputs:
        """The recorded answers to these probes.

        Raises
        ------
        BirthmarkError
            If one is missing or there are more.
        """
        if len(images) != self.count(images):
            raise BirthmarkError(
                self._source,
                f"holds {len(self._outputs)} answers to {len(images)} probes",
                "record one answer a probe; if an audit stopped early, pass --stop-early again",
            )
        if self._probes is None:
            return self._outputs
        rows = {name: row for row, name in enumerate(self._probes)}
        unasked = self._unasked(images)
        wanted = [_name(image) for image in images]
        for name in wanted:
            if name not in rows and name not in unasked:
                raise BirthmarkError(
                    self._source, f"holds no answer to {name}", "record one answer a probe"
                )
        recorded = self._outputs.values
        values = np.zeros((len(images), *recorded.shape[1:]), dtype=recorded.dtype)
        for place, name in enumerate(wanted):
            if name in rows:
                values[place] = recorded[rows[name]]
        return Outputs(values, self._outputs.kind, self._outputs.classes)


def _name(image: Image) -> str:
    return PurePosixPath(image.name).name


ADAPTERS.register(r".*\.(csv|npz|safetensors)", example="answers.csv")(lambda: RecordedSuspect)

Recorded = tuple[list[str] | None, NDArray[Any], str | None]


def _read_csv(path: Path) -> Recorded:
    columns, names, values = table_of(path)
    return names, values, Kind.LABELS.value if columns == ["label"] else None


def _read_npz(path: Path) -> Recorded:
    arrays = load_npz(path, MAX_FILE)
    names = arrays.get("probes")
    return (
        None if names is None else [str(name) for name in names.ravel()],
        _values(path, arrays, list(arrays)),
        str(arrays["kind"]) if "kind" in arrays else None,
    )


def _read_safetensors(path: Path) -> Recorded:
    import safetensors

    try:
        with path.open("rb") as head:
            header = int.from_bytes(head.read(8), "little")
        if header > MAX_HEADER:
            raise ValueError(f"its header is {header} bytes long")
        with safetensors.safe_open(path, "numpy") as file:
            said = (file.metadata() or {}).get("kind")
            names = list(file.keys())
            arrays = {name: file.get_tensor(name) for name in names if name == VALUES}
    except Exception as error:
        raise BirthmarkError(
            path, f"is not readable safetensors ({error})", "write it again"
        ) from error
    return None, _values(path, arrays, names), said


def _values(path: Path, arrays: dict[str, NDArray[Any]], names: list[str]) -> NDArray[Any]:
    if VALUES not in arrays:
        raise BirthmarkError(
            path, f"holds {sorted(names)[:9]}", "name the array of answers 'values'"
        )
    return arrays[VALUES]
