"""Image sets as Parquet files, in the Hugging Face layout or one like it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from birthmark.common.errors import BirthmarkError
from birthmark.common.files import opened
from birthmark.common.progress import Progress
from birthmark.data.images.columns import Columns, found
from birthmark.data.images.entry import Entry, Listing, entry_of

MAX_TABLE = 1 << 40
MAX_GROUP = 128 << 20
"""Bytes of images in a row group that are kept between reads."""
MAX_NAME = 200
"""Characters of a label that is text."""


def from_parquet(files: Sequence[Path], source: str, progress: Progress) -> Listing:
    """Find the images of Parquet files, one after the other; messages call them `source`.

    Raises
    ------
    BirthmarkError
        If a file is no Parquet with a column of images, or holds an unreadable image.
    """
    import pyarrow
    import pyarrow.parquet

    entries: list[Entry] = []
    places: list[tuple[int, int, int]] = []
    small: dict[tuple[int, int], bool] = {}
    columns: list[Columns] = []
    names: dict[str, int] = {}
    try:
        tables = [_opened(file) for file in files]
        total = sum(table.metadata.num_rows for table in tables)
        for t, table in enumerate(tables):
            columns.append(found(table.schema_arrow, str(files[t])))
            image, label, _ = columns[t]
            for g in range(table.num_row_groups):
                size = 0
                for r, row in enumerate(_rows(table, g, [image, label] if label else [image])):
                    name = f"{files[t]} row {r}"
                    data = _bytes(row[image], name)
                    entries.append(entry_of(data, name, _number(label and row[label], names, name)))
                    places.append((t, g, r))
                    size += len(data)
                    progress("Reading images", len(entries), total)
                small[t, g] = size <= MAX_GROUP
    except (pyarrow.ArrowException, OSError, LookupError, TypeError, ValueError) as error:
        raise BirthmarkError(
            source,
            f"is not readable Parquet with a column of images ({error})",
            "write it in the Hugging Face layout",
        ) from error

    @lru_cache(maxsize=1)
    def group(t: int, g: int) -> list[bytes]:
        image = columns[t].image
        return [_bytes(row[image], str(files[t])) for row in _rows(tables[t], g, [image])]

    def read(i: int) -> bytes:
        t, g, r = places[i]
        if small[t, g]:
            return group(t, g)[r]
        image = columns[t].image
        row = next(islice(_rows(tables[t], g, [image]), r, None))
        return _bytes(row[image], entries[i].name)

    if not names:
        return Listing(entries, read, _same_classes(columns, entries, source))
    return Listing(_in_sorted_order(entries, names, source), read, sorted(names))


def _opened(file: Path) -> Any:
    import pyarrow.parquet

    with opened(file, MAX_TABLE):
        return pyarrow.parquet.ParquetFile(file)


def _same_classes(
    columns: Sequence[Columns], entries: Sequence[Entry], source: str
) -> tuple[str, ...]:
    """The classes' names, where all files say the same.

    Raises
    ------
    BirthmarkError
        If files name classes differently, or a label has no name.
    """
    stated = {one.classes for one in columns if one.label is not None}
    if len(stated) != 1:
        if len(stated) > 1:
            raise BirthmarkError(
                source, "holds files that name their classes differently", "name one file of it"
            )
        return ()
    classes = stated.pop()
    highest = max((entry.label for entry in entries if entry.label is not None), default=-1)
    if classes and highest >= len(classes):
        raise BirthmarkError(
            source,
            f"holds the label {highest}, but its schema names {len(classes)} classes",
            "correct the schema or the labels",
        )
    return classes


def _bytes(cell: Any, name: str) -> bytes:
    data = cell["bytes"] if isinstance(cell, dict) else cell
    if data is None and isinstance(cell, dict) and isinstance(cell.get("path"), str):
        raise BirthmarkError(
            name,
            f"holds only the path of an image, {cell['path'][:200]}",
            "name the folder that it is in, or store its bytes in the file",
        )
    if not isinstance(data, bytes):
        raise BirthmarkError(name, "holds no image bytes", "store the images in the file")
    return data


def _number(label: Any, names: dict[str, int], name: str) -> int | None:
    """A label as it is; for now, text gets a number that no integer column holds."""
    if not isinstance(label, str):
        return None if label is None else int(label)
    if len(label) > MAX_NAME:
        raise BirthmarkError(
            name, f"has a label of {len(label)} characters", f"use at most {MAX_NAME}"
        )
    return names.setdefault(label, (1 << 64) + len(names))


def _in_sorted_order(entries: Sequence[Entry], names: dict[str, int], source: str) -> list[Entry]:
    final = {names[name]: place for place, name in enumerate(sorted(names))}
    stated = {entry.label for entry in entries} - {None}
    if stated != final.keys():
        raise BirthmarkError(source, "has labels of both integers and text", "use one of them")
    return [
        entry if entry.label is None else replace(entry, label=final[entry.label])
        for entry in entries
    ]


def _rows(table: Any, group: int, columns: list[str]) -> Iterator[dict[str, Any]]:
    """So many at a time that they fit if each is as large as all: equal cells are stored once.

    What is known of a single column is not asked for: in pyarrow a broken one ends the process.
    """
    largest = table.metadata.row_group(group).total_byte_size
    size = max(1, MAX_GROUP // max(1, largest))
    for batch in table.iter_batches(batch_size=size, row_groups=[group], columns=columns):
        yield from batch.to_pylist()
