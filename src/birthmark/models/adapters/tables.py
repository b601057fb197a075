"""Reading a CSV of numbers line by line, within bounds."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.common.files import opened
from birthmark.data.outputs import MAX_WIDTH

MAX_LINE = 16 << 20
MAX_NUMBERS = 1 << 25


Table = tuple[list[str], list[str], NDArray[np.float64], list[str]]


def table_of(path: Path) -> Table:
    """Columns after the first, names in the first column, and the numbers (names, columns).

    Then the names of those that have no numbers: all cells of their lines are empty.

    Raises
    ------
    BirthmarkError
        If it has no column `probe`, a line is of another length, a name is there twice, a cell is
        no number, or there are too many.
    """
    try:
        with opened(path) as raw, TextIOWrapper(raw, "utf-8-sig", newline="") as file:
            lines = _lines(file, path)
            header = next(lines, [])
            if not header:
                raise ValueError("its first line is empty")
            if header[:1] != ["probe"] or not 2 <= len(header) <= MAX_WIDTH + 1:
                raise BirthmarkError(
                    path,
                    f"its columns are {', '.join(header[:5])}",
                    "name the first 'probe' and let numbers follow",
                )
            names, rows, empty = _rows(lines, len(header), path)
    except (ValueError, csv.Error, OSError) as error:
        raise BirthmarkError(path, f"is not a table of numbers ({error})", "fix it") from error
    if len({*names, *empty}) != len(names) + len(empty):
        raise BirthmarkError(path, "names a probe twice", "keep one answer per probe")
    return header[1:], names, np.array(rows).reshape(len(rows), len(header) - 1), empty


def _rows(
    lines: Iterator[list[str]], width: int, path: Path
) -> tuple[list[str], list[NDArray[np.float64]], list[str]]:
    names: list[str] = []
    empty: list[str] = []
    rows: list[NDArray[np.float64]] = []
    for number, row in enumerate(lines, 2):
        if len(row) != width:
            raise BirthmarkError(
                path, f"line {number} has {len(row)} cells of {width}", "fix the line"
            )
        if (len(rows) + len(empty)) * width > MAX_NUMBERS:
            raise BirthmarkError(path, f"holds over {MAX_NUMBERS} numbers", "record fewer probes")
        if not any(row[1:]):
            empty.append(row[0])
            continue
        names.append(row[0])
        rows.append(np.array([float(cell) for cell in row[1:]]))
    return names, rows, empty


def _lines(file: TextIO, path: Path) -> Iterator[list[str]]:
    """The cells of each line; a cell ends on the line it begins on."""
    while line := file.readline(MAX_LINE):
        if len(line) == MAX_LINE or line.count(",") > MAX_WIDTH:
            raise BirthmarkError(path, "has a line that is too long", "record fewer numbers")
        yield next(csv.reader([line], strict=True), [])
