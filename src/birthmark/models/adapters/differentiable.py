"""Models whose answers can be followed back to the pixels, for probes that are crafted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.outputs import Kind
from birthmark.models.adapters.base import Suspect

Direction = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From logits, float32 (n, classes), to the weight that each of them has in what is derived."""


@runtime_checkable
class Differentiable(Suspect, Protocol):
    """A model that also tells how its logits change with the pixels."""

    def gradient(
        self, pixels: NDArray[np.float32], direction: Direction
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits, and the gradient of sum(direction(logits) * logits) by the pixels.

        What `direction` gives is held constant. The model is in evaluation mode, so that no
        image's gradient depends on another image.

        Parameters
        ----------
        pixels
            float32 (n, height, width, channels), 0 to 255, of the declared size and channels
            (colour as red, green, blue, whatever order the model takes).
        direction
            Called once with the logits; gives weights of the same shape.

        Returns
        -------
        tuple
            float32 (n, classes) and float32 like `pixels`. Of a model that answers with
            probabilities, their logarithms stand for the logits.

        Raises
        ------
        BirthmarkError
            If the model fails.
        """
        ...


def differentiable(model: Suspect) -> Differentiable:
    """The model, if it can be derived by its pixels and answers with a number a class.

    Raises
    ------
    BirthmarkError
        If not.
    """
    known = model.description
    other = "or use probes that need no gradient, such as jpeg25"
    if known.output not in (Kind.LOGITS, Kind.PROBABILITIES):
        raise BirthmarkError(
            known.name,
            f"answers with {known.output}, but crafted probes need logits or probabilities",
            f"pass a model that answers with these, {other}",
        )
    if not isinstance(model, Differentiable):
        raise BirthmarkError(
            known.name,
            "gives no gradients with respect to the pixels",
            f"pass it in Python as a torch module, {other}",
        )
    return model
