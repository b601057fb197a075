"""What a thief puts before or behind a stolen model, without training anything."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from birthmark.common.registry import Registry
from birthmark.data.outputs import Outputs

Pixels = NDArray[np.uint8]


class Disguise(BaseModel):
    """Changes what a model sees or what it says; its fields are its parameters.

    Attributes
    ----------
    changes_input
        Whether it changes what the model sees; if not, its answers follow from the model's.
    renames
        Whether classes are called otherwise; accuracy is then the model's behind it.
    for_classes_only
        Whether embeddings cannot be disguised so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    changes_input: ClassVar[bool] = False
    renames: ClassVar[bool] = False
    for_classes_only: ClassVar[bool] = False

    def seen(self, pixels: Pixels) -> Pixels:
        """What the model behind it sees of uint8 (n, channels, height, width)."""
        return pixels

    def said(self, outputs: Outputs) -> Outputs:
        """What is said of its answers."""
        return outputs


DISGUISES: Registry[type[Disguise]] = Registry("disguise", "birthmark.zoo.disguises")
