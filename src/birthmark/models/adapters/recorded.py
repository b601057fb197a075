"""Answers recorded beforehand: npz, safetensors or CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.digests import sha256_of_file
from birthmark.common.errors import BirthmarkError, one_line
from birthmark.common.files import opened
from birthmark.data.images import Image, Progress, load_npz, silent
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters.base import ADAPTERS, Answered, Description
from birthmark.models.adapters.tables import MAX_NUMBERS, table_of

MAX_FILE = 512 << 20
MAX_ANSWERS = 100_000
MAX_HEADER = 1 << 20
SLACK = 0.01
"""By so much more may fall to an unlisted class than to a listed one, since answers are rounded."""
VALUES = "values"
REFUSED = "recorded as refused"


class RecordedSuspect:
    """The answers a model gave to a fingerprint's probes.

    A CSV or Parquet file has a column `probe` (the probe's file name, or its file's digest) and one
    column a number, its rows in any order, also of more images than are asked about; the numbers of
    a probe that was refused are left empty. npz and safetensors hold
    `values`, (n, width) or (n,) for labels, in the order of the probes, and perhaps `refused`,
    positions of the probes that were, integers (m,). Similarities have one column a reference
    image; of a CSV the rows of the reference images themselves, the first probes, may be missing.

    Parameters
    ----------
    path
        The file.
    fields
        `output`, unless the file says it; nothing else.
    lineage
        The model's kind of architecture, if known.

    Raises
    ------
    BirthmarkError
        If the file is not of such a form, or does not say what its numbers mean.
    """

    batch: int | None = None

    def __init__(
        self, path: str | Path, fields: dict[str, Any], lineage: str | None = None
    ) -> None:
        path = Path(path)
        digest = sha256_of_file(path, MAX_FILE)
        read = {
            ".csv": _read_csv,
            ".npz": _read_npz,
            ".parquet": _read_parquet,
            ".safetensors": _read_safetensors,
        }
        self._probes, values, kind, self._refused = read[path.suffix](path)
        stated = fields.get("output") or kind
        if stated not in list(Kind):
            raise BirthmarkError(
                path,
                f"does not say what its numbers mean (shape {values.shape})",
                f"pass --output with one of {', '.join(Kind)}",
            )
        if kind is not None and stated != kind:
            raise BirthmarkError(path, f"says {kind}, but {stated} was passed", "drop --output")
        self._source = str(path)
        if stated == Kind.PROBABILITIES:
            values = with_rest(values)
        self._outputs = Outputs.checked(values, Kind(stated), self._source)
        if self._probes is not None and len(self._probes) != len(self._outputs):
            raise BirthmarkError(
                path,
                f"names {len(self._probes)} probes but holds {len(self._outputs)} answers",
                "record one answer per probe",
            )
        self.description = Description(
            name=path.name,
            adapter="recorded",
            output=self._outputs.kind,
            digest=digest,
            lineage=lineage,
        )

    def count(self, probes: Sequence[Image]) -> int:
        """How many of these probes, the first ones, it was asked about."""
        if self._probes is None:
            return len(self._outputs) + len(self._refused)
        known = {*self._probes, *self._refused, *self._unasked(probes)}
        told = [
            i in known or bool({_name(one), one.digest} & known) for i, one in enumerate(probes)
        ]
        return told.index(False) if False in told else len(told)

    @property
    def names_images(self) -> bool:
        """Whether it says to which image each answer belongs."""
        return self._probes is not None

    def _unasked(self, images: Sequence[Image]) -> list[str]:
        """Names of reference images that similarities were recorded without."""
        if self._probes is None or self._outputs.kind is not Kind.SIMILARITIES:
            return []
        asked = {*self._probes, *self._refused}
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
        given = self.answer_some(images)
        if given.refused:
            first = images[min(given.refused)].name
            raise BirthmarkError(self._source, f"says {first} was refused", "record an answer")
        return given.outputs

    def answer_some(
        self,
        images: Sequence[Image],
        progress: Progress = silent,  # noqa: ARG002
    ) -> Answered:
        """The recorded answers to these probes, of which some may be recorded as refused.

        Raises
        ------
        BirthmarkError
            If one is missing or there are more.
        """
        asked = self.count(images)
        if len(images) != asked and (self._probes is None or asked > 0):
            raise BirthmarkError(
                self._source,
                f"holds {asked} answers to {len(images)} probes",
                "record one answer per probe; if an audit stopped early, pass --stop-early again",
            )
        known = {*(self._probes or ()), *self._refused}
        names = [
            one.digest if one.digest in known and _name(one) not in known else _name(one)
            for one in images
        ]
        refused = {i: REFUSED for i, name in enumerate(names) if {i, name} & self._refused}
        if self._probes is None:
            return Answered(self._outputs, refused)
        rows = {name: row for row, name in enumerate(self._probes)}
        unasked = self._unasked(images)
        wanted = [name for i, name in enumerate(names) if i not in refused]
        for name in wanted:
            if name not in rows and name not in unasked:
                raise BirthmarkError(
                    self._source, f"holds no answer to {name}", "record one answer per probe"
                )
        recorded = self._outputs.values
        values = np.zeros((len(wanted), *recorded.shape[1:]), dtype=recorded.dtype)
        for place, name in enumerate(wanted):
            if name in rows:
                values[place] = recorded[rows[name]]
        return Answered(Outputs(values, self._outputs.kind, self._outputs.classes), refused)


def with_rest(values: NDArray[Any]) -> NDArray[Any]:
    """Probabilities of which only the largest were told, zeros written for the rest.

    The zeros of a row share what it lacks to 1, as `birthmark.data.forms.largest` has it; nothing
    is done where that would be more than the least that was told, so that other errors are seen.
    """
    if values.ndim != 2 or values.dtype.kind != "f" or not values.size:
        return values
    left, zeros = 1 - values.sum(axis=1), values == 0
    some = zeros.sum(axis=1)
    least = np.where(zeros, np.inf, values).min(axis=1)
    fits = (left > 0) & (some >= 2) & (left <= some * (least + SLACK)) & (values.min(axis=1) >= 0)
    share = np.where(fits, left, 0) / np.maximum(some, 1)
    spread: NDArray[Any] = np.where(zeros, share[:, None], values)
    return spread


def _name(image: Image) -> str:
    return PurePosixPath(image.name).name


ADAPTERS.register(r".*\.(csv|npz|parquet|safetensors)", example="answers.csv")(
    lambda: RecordedSuspect
)

Recorded = tuple[list[str] | None, NDArray[Any], str | None, set[int | str]]
"""Names of the probes that were answered, values, kind, and names or positions of the refused."""


def _read_csv(path: Path) -> Recorded:
    columns, names, values, refused = table_of(path)
    _require_few(path, len(values))
    return names, values, Kind.LABELS.value if columns == ["label"] else None, set(refused)


def _read_parquet(path: Path) -> Recorded:
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        columns = file.schema_arrow.names
        if columns[:1] != ["probe"] or len(columns) < 2:
            raise BirthmarkError(
                path,
                f"its columns are {', '.join(map(str, columns[:5]))}",
                "name the first 'probe' and let numbers follow",
            )
        _require_few(path, file.metadata.num_rows)
        if file.metadata.num_rows * len(columns) > MAX_NUMBERS:
            raise BirthmarkError(path, f"holds over {MAX_NUMBERS} numbers", "record fewer probes")
        table = file.read()
        names = [str(name) for name in table.column(0).to_pylist()]
        values = np.stack(
            [np.asarray(table.column(i).to_numpy(), np.float64) for i in range(1, len(columns))], 1
        )
    except (pyarrow.ArrowException, OSError, TypeError, ValueError) as error:
        raise BirthmarkError(
            path, f"is not a table of numbers ({error})", "write it again"
        ) from error
    if len({*names}) != len(names):
        raise BirthmarkError(path, "names a probe twice", "keep one answer per probe")
    empty = [bool(np.isnan(row).all()) for row in values]
    kept = [name for name, none in zip(names, empty, strict=True) if not none]
    kind = Kind.LABELS.value if columns[1:] == ["label"] else None
    refused: set[int | str] = {name for name, none in zip(names, empty, strict=True) if none}
    return kept, values[~np.array(empty, dtype=bool)], kind, refused


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
        _refused(path, arrays),
    )


def _read_safetensors(path: Path) -> Recorded:
    import safetensors

    try:
        with opened(path, MAX_FILE) as raw:
            header = int.from_bytes(raw.read(8), "little")
        if header > MAX_HEADER:
            raise ValueError(f"its header is {header} bytes long")
        with safetensors.safe_open(path, "numpy") as file:
            said = (file.metadata() or {}).get("kind")
            held = list(file.keys())
            wanted = [VALUES, "refused"] if VALUES in held else []
            arrays = {name: file.get_tensor(name) for name in wanted if name in held}
    except Exception as error:
        raise BirthmarkError(
            path, f"is not readable safetensors ({error})", "write it again"
        ) from error
    return None, _values(path, arrays or dict.fromkeys(held)), said, _refused(path, arrays)


def _values(path: Path, arrays: Mapping[str, Any]) -> NDArray[Any]:
    if VALUES not in arrays:
        raise BirthmarkError(
            path, f"holds {sorted(arrays)[:9]}", "name the array of answers 'values'"
        )
    values: NDArray[Any] = arrays[VALUES]
    if values.ndim == 0:
        raise BirthmarkError(path, "holds one number", "record one answer per probe")
    _require_few(path, len(values))
    return values


def _refused(path: Path, arrays: Mapping[str, Any]) -> set[int | str]:
    array = arrays.get("refused")
    if array is None:
        return set()
    places = set(array.ravel().tolist()) if array.dtype.kind in "iu" else set()
    asked = array.size + np.atleast_1d(arrays[VALUES]).shape[0]
    if array.ndim != 1 or len(places) != array.size or not places <= set(range(asked)):
        raise BirthmarkError(
            path,
            "has refused probes that are not positions",
            "write each position once, as integers",
        )
    return places
