"""Quantisation to 8-bit integers or 16-bit floats."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from birthmark.training.inputs import answers
from birthmark.training.nets.eight_bit import EightBit, put_in_eight_bits
from birthmark.zoo.recipes.base import RECIPES, Recipe
from birthmark.zoo.recipes.job import Job

SAMPLE = 512


class Quantised(Recipe):
    """The parent with its numbers kept in fewer bits; computed in float32 from these.

    `int8`: weights in 255 levels a channel, each layer's input in 256 levels over the range that
    the thief's images show. `fp16`: weights in 16-bit floats.
    """

    keeps_network: ClassVar[bool] = True
    bits: Literal["int8", "fp16"] = "int8"

    def train(self, job: Job) -> nn.Module:
        """Round the weights; for `int8`, watch the ranges of what layers are given."""
        net = job.parent().net
        with torch.no_grad():
            for name, weight in net.named_parameters():
                if self.bits == "fp16":
                    weight.copy_(weight.half().float())
                elif name.endswith("weight") and weight.ndim > 1:
                    weight.copy_(_rounded(weight))
        if self.bits == "int8":
            put_in_eight_bits(net)
        layers = [m for m in net.modules() if isinstance(m, EightBit)]
        for watching in (True, False):
            for layer in layers:
                layer.watching = watching
            if watching and layers:
                answers(net, job.queries()[:SAMPLE])
        return net


def _rounded(weight: Tensor) -> Tensor:
    largest = weight.abs().flatten(1).amax(1).clamp(min=1e-12)
    step = (largest / 127).reshape(-1, *[1] * (weight.ndim - 1))
    return (weight / step).round() * step


RECIPES.register(r"quantised", example="quantised")(lambda: Quantised)
