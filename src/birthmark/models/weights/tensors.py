"""Kernels in one layout, and how a reader's process serves them to its parent."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import one_line
from birthmark.common.jsons import has_few_parts
from birthmark.models.runtimes.base import Takes

MOST = 20_000
"""Tensors of a file."""
MAX_TABLE = MOST << 11
"""Bytes of a table: a name of 200 characters, escaped, and its sides."""
MAX_PARTS = 10 * MOST
"""Lists in a table; what stands in names counts too."""
MAX_AXES = 5
TABLE = -1.0
"""What a parent asks for first: the names and shapes."""


@dataclass(frozen=True)
class Tensor:
    """The kernels of one layer.

    Attributes
    ----------
    name
        As the file calls it.
    values
        float32 (units, inputs, ...): a row for each unit that the layer makes, then what it takes
        from each unit below, then the sides of a convolution's window. Of a depthwise convolution
        the second axis is 1. Scaled as the file has it, integers less their zero point.
    """

    name: str
    values: NDArray[np.float32]


def from_torch(name: str, values: NDArray[Any]) -> list[Tensor]:
    """A tensor as torch, ONNX and safetensors lay it out: (units, inputs, ...).

    Four axes whose first two alone are a square window are taken as Keras's, and so are two if the
    name ends in `kernel`. Three stacked matrices of attention are taken apart.
    """
    if (
        values.ndim == 4
        and values.shape[0] == values.shape[1]
        and values.shape[2:3] != (values.shape[3],)
    ):
        return from_keras(name, values)
    if values.ndim == 2 and name.endswith("kernel"):
        return from_keras(name, values)
    if values.ndim == 2 and values.shape[0] == 3 * values.shape[1]:
        return [_made(f"{name}[{i}]", part) for i, part in enumerate(np.split(values, 3))]
    return [_made(name, values)]


def from_keras(name: str, values: NDArray[Any]) -> list[Tensor]:
    """A tensor as TensorFlow and Keras lay it out: (..., inputs, units)."""
    if values.ndim == 4 and values.shape[3] == 1 < values.shape[2]:
        return [_made(name, values.transpose(2, 3, 0, 1))]
    if values.ndim == 2:
        return from_torch(re.sub("kernel$", "weight", name), values.T)
    return [_made(name, np.moveaxis(values, (-1, -2), (0, 1)))]


def _made(name: str, values: NDArray[Any]) -> Tensor:
    return Tensor(one_line(name, 200), np.ascontiguousarray(values, dtype=np.float32))


class Served:
    """A file's tensors as a runtime, so that a process without rights can serve them.

    Asked for `TABLE` it answers with JSON, as uint8; asked for a number with that tensor, flat.
    """

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        self._tensors = [one for one in tensors if one.values.ndim >= 2]
        self.takes = Takes("weights", "float32", None)

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """A tensor, or the table."""
        asked = float(batch.reshape(-1)[0])
        if asked != TABLE:
            return self._tensors[int(asked)].values.reshape(-1)
        table = [[one.name, list(one.values.shape)] for one in self._tensors]
        return np.frombuffer(json.dumps(table).encode(), np.uint8)


def table_of(said: NDArray[Any], most_bytes: int) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes, as a process that may be hostile told them.

    Raises
    ------
    ValueError
        If it is no such table, or its tensors would take more than `most_bytes`.
    """
    data = said.tobytes() if said.dtype == np.uint8 and said.size <= MAX_TABLE else b""
    table = json.loads(data) if data and has_few_parts(data, MAX_PARTS) else None
    if not isinstance(table, list) or len(table) > MOST:
        raise ValueError(f"it is not a table of at most {MOST} tensors")
    checked = []
    for entry in table:
        match entry:
            case [str(name), [*sides]] if _sane(sides):
                checked.append((one_line(name, 200), tuple(sides)))
            case _:
                raise ValueError(f"it holds {str(entry)[:100]}")
    if sum(4 * math.prod(shape) for _, shape in checked) > most_bytes:
        raise ValueError(f"its tensors take over {most_bytes >> 20} MiB")
    return checked


def _sane(sides: Sequence[object]) -> bool:
    return 2 <= len(sides) <= MAX_AXES and all(
        type(side) is int and 0 < side < 1 << 32 for side in sides
    )
