"""torch modules, passed in Python (extra `torch`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from birthmark.digests import sha256
from birthmark.suspects.base import ADAPTERS
from birthmark.suspects.callable import CallableSuspect

if TYPE_CHECKING:
    import torch


class TorchSuspect(CallableSuspect):
    """A `torch.nn.Module`, asked in evaluation mode and left in the mode it was in.

    Parameters
    ----------
    module
        The module; its first tensor is the answer where it returns a tuple.
    fields
        The declaration's fields.
    name
        How messages call it; its class's name if not given.
    family
        Its kind of architecture, if known.
    """

    adapter = "torch"

    def __init__(
        self,
        module: torch.nn.Module,
        fields: dict[str, Any],
        *,
        name: str | None = None,
        family: str | None = None,
    ) -> None:
        self._module = module
        name = name or type(module).__name__
        super().__init__(self._answers, fields, name=name, digest=_digest(module), family=family)

    def _answers(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        import torch

        parameter = next(self._module.parameters(), None)
        device = parameter.device if parameter is not None else torch.device("cpu")
        training = self._module.training
        self._module.eval()
        try:
            with torch.inference_mode():
                answer = self._module(torch.from_numpy(batch).to(device))
        finally:
            self._module.train(training)
        answer = answer[0] if isinstance(answer, tuple | list) else answer
        values: NDArray[Any] = answer.float().cpu().numpy()
        return values


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
