"""The images that no reference sees, as one Parquet file that `enroll --images` takes."""

from __future__ import annotations

from pathlib import Path

from birthmark.common.files import whole_folder
from birthmark.data.images import ImageSet
from birthmark.references.split import Positions

NAME = "probes.parquet"


def write_probes(folder: Path, images: ImageSet, positions: Positions) -> None:
    """Write images as they are, with their labels, in the Hugging Face layout.

    Raises
    ------
    BirthmarkError
        If the folder holds something already, or the disk is full.
    """
    import pyarrow
    import pyarrow.parquet

    chosen = [images[int(i)] for i in positions]
    table = pyarrow.table(
        {
            "image": [{"bytes": one.data, "path": Path(one.name).name} for one in chosen],
            "label": pyarrow.array([one.label for one in chosen], pyarrow.int64()),
        }
    )
    with whole_folder(folder) as passing:
        pyarrow.parquet.write_table(table, passing / NAME, compression="none")
