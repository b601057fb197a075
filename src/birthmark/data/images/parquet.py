"""Image sets as Parquet files in the Hugging Face layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from birthmark.common.errors import BirthmarkError
from birthmark.common.progress import Progress
from birthmark.data.images.entry import Entry, Listing, entry_of

MAX_GROUP = 128 << 20
"""Bytes of images in a row group that are kept between reads."""


def from_parquet(files: Sequence[Path], source: str, progress: Progress) -> Listing:
    """Find the images of Parquet files, one after the other; messages call them `source`.

    Raises
    ------
    BirthmarkError
        If a file is no Parquet in the Hugging Face layout, or holds an unreadable image.
    """
    import pyarrow
    import pyarrow.parquet

    entries: list[Entry] = []
    places: list[tuple[int, int, int]] = []
    small: dict[tuple[int, int], bool] = {}
    tables = []
    try:
        tables = [pyarrow.parquet.ParquetFile(file) for file in files]
        total = sum(table.metadata.num_rows for table in tables)
        for t, table in enumerate(tables):
            has_label = "label" in table.schema_arrow.names
            columns = ["image", "label"] if has_label else ["image"]
            for g in range(table.num_row_groups):
                size = 0
                for r, row in enumerate(_rows(table, g, columns)):
                    label = row.get("label")
                    if not isinstance(label, int | None):
                        raise TypeError(f"the label of row {r} is {label!r}")
                    data = row["image"]["bytes"]
                    entries.append(entry_of(data, f"{files[t]} row {r}", label))
                    places.append((t, g, r))
                    size += len(data)
                    progress("Reading images", len(entries), total)
                small[t, g] = size <= MAX_GROUP
    except (pyarrow.ArrowException, OSError, LookupError, TypeError, ValueError) as error:
        raise BirthmarkError(
            source,
            f"is not Parquet with a column image: {{bytes, path}} ({error})",
            "write it in the Hugging Face layout",
        ) from error

    @lru_cache(maxsize=1)
    def group(t: int, g: int) -> list[bytes]:
        return [row["image"]["bytes"] for row in _rows(tables[t], g, ["image"])]

    def read(i: int) -> bytes:
        t, g, r = places[i]
        if small[t, g]:
            return group(t, g)[r]
        data: bytes = next(islice(_rows(tables[t], g, ["image"]), r, None))["image"]["bytes"]
        return data

    return Listing(entries, read)


def _rows(table: Any, group: int, columns: list[str]) -> Iterator[dict[str, Any]]:
    """So many at a time that they fit if each is as large as all: equal cells are stored once."""
    about = table.metadata.row_group(group)
    largest = sum(about.column(c).total_uncompressed_size for c in range(about.num_columns))
    size = max(1, MAX_GROUP // max(1, largest))
    for batch in table.iter_batches(batch_size=size, row_groups=[group], columns=columns):
        yield from batch.to_pylist()
