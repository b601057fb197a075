"""torch modules, passed in Python (extra `torch`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.digests import sha256
from birthmark.common.errors import BirthmarkError
from birthmark.data.outputs import Kind
from birthmark.models.adapters.base import ADAPTERS
from birthmark.models.adapters.callable import CallableSuspect
from birthmark.models.adapters.differentiable import Direction

if TYPE_CHECKING:
    import torch

SMALLEST = 1e-30
"""Probabilities below this have no gradient of their logarithm."""


class TorchSuspect(CallableSuspect):
    """A `torch.nn.Module`, asked in evaluation mode and left in the mode it was in.

    It is `Differentiable`.

    Parameters
    ----------
    module
        The module; its first tensor is the answer where it returns a tuple.
    fields
        The declaration's fields.
    name
        How messages call it; its class's name if not given.
    lineage
        Its kind of architecture, if known.
    """

    adapter = "torch"

    def __init__(
        self,
        module: torch.nn.Module,
        fields: dict[str, Any],
        *,
        name: str | None = None,
        lineage: str | None = None,
    ) -> None:
        self._module = module
        name = name or type(module).__name__
        super().__init__(self._answers, fields, name=name, digest=_digest(module), lineage=lineage)

    def gradient(
        self, pixels: NDArray[np.float32], direction: Direction
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits, and how they change with the pixels; see `Differentiable`."""
        batch = self._declaration.brought(pixels)
        with _evaluating(self._module):
            logits, slope = derived(
                self._logits, self._tensor(batch), direction, self.description.name
            )
        return logits, self._declaration.by_pixels(slope)

    def _answers(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        import torch

        with _evaluating(self._module), torch.inference_mode():
            values: NDArray[Any] = self._first(self._tensor(batch)).cpu().numpy()
        return values

    def _logits(self, inputs: torch.Tensor) -> torch.Tensor:
        answer = self._first(inputs)
        if self._declaration.output is Kind.PROBABILITIES:
            return answer.clamp(min=SMALLEST).log()
        return answer

    def _first(self, inputs: torch.Tensor) -> torch.Tensor:
        answer = self._module(inputs)
        first: torch.Tensor = answer[0] if isinstance(answer, tuple | list) else answer
        return first.float()

    def _tensor(self, batch: NDArray[np.float32]) -> torch.Tensor:
        import torch

        parameter = next(self._module.parameters(), None)
        device = parameter.device if parameter is not None else torch.device("cpu")
        return torch.from_numpy(batch).to(device)


def derived(
    function: Callable[[torch.Tensor], torch.Tensor],
    inputs: torch.Tensor,
    direction: Direction,
    name: str,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A function's logits, and the gradient of sum(direction(logits) * logits) by its inputs.

    Parameters
    ----------
    function
        From inputs to float32 (n, classes).
    inputs
        float32 (n, ...).
    direction
        See `Differentiable.gradient`.
    name
        How messages call the function.

    Returns
    -------
    tuple
        float32 (n, classes) and float32 like `inputs`.

    Raises
    ------
    BirthmarkError
        If the function fails or cannot be derived.
    """
    import torch

    with torch.enable_grad():
        inputs = inputs.detach().requires_grad_()
        try:
            answer = function(inputs)
            logits = answer.detach().cpu().numpy()
        except Exception as error:
            raise BirthmarkError(
                name,
                f"failed on an image ({type(error).__name__}: {error})",
                "check the declared input",
            ) from error
        weights = torch.from_numpy(direction(logits)).to(answer)
        try:
            (slope,) = torch.autograd.grad(answer, inputs, weights)
        except RuntimeError as error:
            raise BirthmarkError(
                name,
                f"has no gradient with respect to the pixels ({error})",
                "let nothing in it turn off gradients",
            ) from error
    return logits, slope.cpu().numpy()


@contextmanager
def _evaluating(module: torch.nn.Module) -> Iterator[None]:
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


def _digest(module: torch.nn.Module) -> str:
    parts = []
    for name, tensor in sorted(module.state_dict().items()):
        array = tensor.detach().cpu().contiguous().view(-1).view(dtype=_byte()).numpy()
        parts += [f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode(), array.tobytes()]
    return sha256(*parts)


def _byte() -> torch.dtype:
    import torch

    return torch.uint8


ADAPTERS.register(r"torch", example="torch")(lambda: TorchSuspect)
