"""A model of a zoo that can be asked: its network, and what it hides behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters import Suspect
from birthmark.models.adapters.callable import CallableSuspect, Function
from birthmark.models.adapters.differentiable import Direction
from birthmark.models.adapters.torch_module import derived
from birthmark.training.inputs import answers, scaled
from birthmark.zoo.disguises import Disguise
from birthmark.zoo.plan import Plan


@dataclass(frozen=True)
class ZooModel:
    """A network and the disguises around it, innermost first."""

    net: nn.Module
    kind: Kind
    disguises: Sequence[Disguise] = ()

    def answer(self, pixels: NDArray[np.uint8]) -> Outputs:
        """Answers to uint8 (n, channels, size, size)."""
        for disguise in reversed(self.disguises):
            pixels = disguise.seen(pixels)
        values = answers(self.net, torch.from_numpy(np.array(pixels))).numpy()
        outputs = Outputs(values, self.kind, values.shape[1])
        for disguise in self.disguises:
            outputs = disguise.said(outputs)
        return outputs

    def behind(self, disguise: Disguise) -> ZooModel:
        """The model with one more disguise around it."""
        return ZooModel(self.net, self.kind, (*self.disguises, disguise))

    def with_own_names(self) -> ZooModel:
        """The model without what calls its classes otherwise."""
        return ZooModel(self.net, self.kind, [d for d in self.disguises if not d.renames])

    def suspect(self, plan: Plan, name: str, lineage: str) -> Suspect:
        """The model as any other that can be asked; without disguises it is `Differentiable`."""
        size, channels = plan.images.size, plan.images.channels
        empty = np.zeros((1, channels, size, size), np.uint8)
        fields = {
            "size": (size, size),
            "channels": channels,
            "range": (0, 255),
            "mean": (0.0,),
            "std": (1.0,),
            "output": str(self.answer(empty).kind),
        }

        def asked(batch: NDArray[np.float32]) -> object:
            return self.answer(np.rint(batch).astype(np.uint8)).values

        if self.disguises:
            return CallableSuspect(asked, fields, name=name, lineage=lineage)
        return Bare(self.net, asked, fields, name=name, lineage=lineage)


class Bare(CallableSuspect):
    """A network of a zoo without disguises; it can be derived by its pixels, and is nothing else.

    Parameters
    ----------
    net
        The network, in evaluation mode.
    asked
        From float32 (n, channels, size, size), 0 to 255, to its answers.
    fields, name, lineage
        As of any function.
    """

    def __init__(
        self, net: nn.Module, asked: Function, fields: dict[str, Any], *, name: str, lineage: str
    ) -> None:
        super().__init__(asked, fields, name=name, lineage=lineage)
        self._net = net

    def gradient(
        self, pixels: NDArray[np.float32], direction: Direction
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits, and how they change with the pixels; see `Differentiable`."""
        inputs = torch.from_numpy(self._declaration.brought(pixels))
        net = self._net.eval()
        logits, slope = derived(
            lambda batch: net(scaled(batch)), inputs, direction, self.description.name
        )
        return logits, self._declaration.by_pixels(slope)
