"""What the runtimes on torch share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from birthmark.models.runtimes.base import Takes

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class TorchRuntime:
    """A function of tensors as a runtime."""

    takes: Takes
    function: Callable[[torch.Tensor], object]

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Its first tensor for a batch; half precision is widened."""
        import torch

        with torch.inference_mode():
            answer = _first(self.function(torch.from_numpy(batch)))
        values: NDArray[Any] = (answer.float() if answer.is_floating_point() else answer).numpy()
        return values


def _first(answer: object) -> torch.Tensor:
    import torch

    for tensor in _tensors(answer):
        if isinstance(tensor, torch.Tensor):
            return tensor.cpu()
    raise TypeError(f"it answers with {type(answer).__name__}, which holds no tensor")


def _tensors(answer: object) -> Iterator[object]:
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    yield from answer if isinstance(answer, Sequence) else [answer]


def numpy_name(dtype: torch.dtype) -> str:
    """Numpy's name of a dtype, such as float32."""
    return str(dtype).removeprefix("torch.")


def as_axes(shape: Sequence[object]) -> tuple[int | None, ...]:
    """A shape with None for what is no plain number."""
    return tuple(axis if isinstance(axis, int) else None for axis in shape)
