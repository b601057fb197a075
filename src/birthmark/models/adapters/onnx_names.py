"""The files that an ONNX file names, found without a library and within bounds."""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator
from pathlib import Path

from birthmark.common.errors import BirthmarkError

MAX_FIELDS = 3_000_000
LOCATION = b"location"
INNER: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
}
"""Messages of onnx.proto that lead to tensors, by the numbers of their fields."""
EXTERNAL_DATA, DATA_LOCATION, EXTERNAL = 13, 14, 1
KEY, VALUE = 1, 2


def external_names(file: io.BufferedReader, source: Path) -> set[str]:
    """Names of files, as the tensors of an ONNX file have them.

    What is no ONNX names none; the runtime says so.

    Raises
    ------
    BirthmarkError
        If it has too many fields.
    """
    if file.seek(0, 2) == 0:
        return set()
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find(LOCATION) < 0:
            return set()
        found: set[str] = set()
        left = MAX_FIELDS
        waiting = [("ModelProto", 0, len(data))]
        while waiting:
            kind, start, end = waiting.pop()
            entries, external = [], False
            for number, low, high in _fields(data, start, end):
                left -= 1
                if left < 0:
                    raise BirthmarkError(source, "has too many parts", "export it again")
                if kind == "TensorProto":
                    if number == EXTERNAL_DATA:
                        entries.append((low, high))
                    elif number == DATA_LOCATION:
                        external = high - low == 1 and data[low] == EXTERNAL
                elif inner := INNER[kind].get(number):
                    waiting.append((inner, low, high))
            if external:
                found |= {name for low, high in entries if (name := _location(data, low, high))}
        return found


def _location(data: mmap.mmap, start: int, end: int) -> str | None:
    fields = {number: data[low:high] for number, low, high in _fields(data, start, end)}
    if fields.get(KEY) != LOCATION:
        return None
    return fields.get(VALUE, b"").decode(errors="replace")


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, begin and end of each field of a message, as far as it can be read."""
    while at < end:
        key, at = _varint(data, at, end)
        number, form = key >> 3, key & 7
        if form == 0:
            start, (_, at) = at, _varint(data, at, end)
        elif form == 2:
            size, start = _varint(data, at, end)
            at = start + size
        elif form in (1, 5):
            start, at = at, at + (8 if form == 1 else 4)
        else:
            return
        if at > end:
            return
        yield number, start, at


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
    return 0, end + 1
