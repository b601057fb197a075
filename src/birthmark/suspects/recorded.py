"""Answers recorded beforehand: npz, safetensors or CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from birthmark.digests import sha256_of_file
from birthmark.errors import BirthmarkError, one_line
from birthmark.images import Image, load_npz
from birthmark.outputs import MAX_WIDTH, Kind, Outputs
from birthmark.suspects.base import ADAPTERS, Description

MAX_FILE = 1 << 30
MAX_ANSWERS = 100_000
MAX_LINE = 1 << 24
MAX_HEADER = 1 << 20


class RecordedSuspect:
    """The answers a model gave to a fingerprint's probes.

    A CSV has a header, a column `probe` (the probe's file name) and one column a number, its rows
    in any order. npz and safetensors hold `values`, (n, width) or (n,) for labels, in the order of
    the probes.

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
            raise BirthmarkError(path, "is over 1 GiB", "record fewer probes")
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
        if self._probes is not None and len(self._probes) != len(self._outputs):
            raise BirthmarkError(
                path,
                f"names {len(self._probes)} probes but holds {len(self._outputs)} answers",
                "record one answer a probe",
            )
        self.description = Description(
            name=path.name,
            adapter="recorded",
            output=self._outputs.kind,
            digest=sha256_of_file(path),
            family=family,
        )

    @property
    def count(self) -> int:
        """How many answers there are."""
        return len(self._outputs)

    def answer(self, images: Sequence[Image]) -> Outputs:
        """The recorded answers to these probes.

        Raises
        ------
        BirthmarkError
            If one is missing or there are more.
        """
        if len(images) != len(self._outputs):
            raise BirthmarkError(
                self._source,
                f"holds {len(self._outputs)} answers to {len(images)} probes",
                "record one answer a probe; if an audit stopped early, pass --stop-early again",
            )
        if self._probes is None:
            return self._outputs
        rows = {name: row for row, name in enumerate(self._probes)}
        wanted = [PurePosixPath(image.name).name for image in images]
        for name in wanted:
            if name not in rows:
                raise BirthmarkError(
                    self._source, f"holds no answer to {name}", "record one answer a probe"
                )
        order = [rows[name] for name in wanted]
        return Outputs(self._outputs.values[order], self._outputs.kind, self._outputs.classes)


ADAPTERS.register(r".*\.(csv|npz|safetensors)", example="answers.csv")(lambda: RecordedSuspect)

Recorded = tuple[list[str] | None, NDArray[Any], str | None]


def _read_csv(path: Path) -> Recorded:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.reader(_lines(path, file))
            header = next(table, None)
            if header is None:
                raise ValueError("it is empty")
            if header[:1] != ["probe"] or not 2 <= len(header) <= MAX_WIDTH + 1:
                raise BirthmarkError(
                    path,
                    f"its columns are {', '.join(header[:5])}",
                    f"name the first 'probe' and let up to {MAX_WIDTH} numbers follow",
                )
            names, rows = [], []
            for line, row in enumerate(table, 2):
                if len(row) != len(header):
                    raise BirthmarkError(
                        path, f"line {line} has {len(row)} cells of {len(header)}", "mend the line"
                    )
                names.append(row[0])
                rows.append(np.array([float(cell) for cell in row[1:]]))
                _require_few(path, len(rows))
            if len(set(names)) != len(names):
                raise BirthmarkError(path, "names a probe twice", "keep one answer a probe")
            values = np.array(rows, dtype=np.float64)
    except BirthmarkError:
        raise
    except (ValueError, csv.Error) as error:
        raise BirthmarkError(path, f"is no table of numbers ({error})", "mend it") from error
    kind = Kind.LABELS.value if header[1:] == ["label"] else None
    return names, values, kind


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    while line := file.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise BirthmarkError(
                path, f"has a line of over {MAX_LINE} characters", "record fewer numbers a probe"
            )
        yield line


def _require_few(path: Path, answers: int) -> None:
    if answers > MAX_ANSWERS:
        raise BirthmarkError(path, f"holds over {MAX_ANSWERS} answers", "record fewer probes")


def _read_npz(path: Path) -> Recorded:
    arrays = load_npz(path, MAX_FILE)
    values = _values(path, arrays)
    names, kind = arrays.get("probes"), arrays.get("kind")
    if names is not None and (names.dtype.kind != "U" or names.shape != values.shape[:1]):
        raise BirthmarkError(
            path,
            f"its 'probes' are {names.dtype} of the shape {names.shape}",
            f"name one of the {len(values)} probes for each answer",
        )
    if kind is not None and (kind.dtype.kind != "U" or kind.size != 1):
        raise BirthmarkError(
            path, f"its 'kind' is {kind.dtype}", f"write one of {', '.join(Kind)} there"
        )
    return (
        None if names is None else [str(name) for name in names],
        values,
        None if kind is None else one_line(str(kind.ravel()[0]), 50),
    )


def _read_safetensors(path: Path) -> Recorded:
    import safetensors

    try:
        with path.open("rb") as raw:
            if int.from_bytes(raw.read(8), "little") > MAX_HEADER:
                raise ValueError("its header is too long")
        with safetensors.safe_open(path, "numpy") as file:
            said = (file.metadata() or {}).get("kind")
            held = list(file.keys())
            arrays = {"values": file.get_tensor("values")} if "values" in held else {}
    except Exception as error:
        raise BirthmarkError(
            path, f"is not readable safetensors ({error})", "write it again"
        ) from error
    return None, _values(path, arrays or dict.fromkeys(held)), said


def _values(path: Path, arrays: Mapping[str, Any]) -> NDArray[Any]:
    if "values" not in arrays:
        raise BirthmarkError(
            path, f"holds {sorted(arrays)[:9]}", "name the array of answers 'values'"
        )
    values: NDArray[Any] = arrays["values"]
    if values.ndim == 0:
        raise BirthmarkError(path, "holds one number", "record one answer a probe")
    _require_few(path, len(values))
    return values
