"""A network as an ONNX file."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import torch
from torch import nn


def write_onnx(net: nn.Module, channels: int, size: tuple[int, int], file: Path) -> None:
    """Write a network that takes (n, channels, height, width) as ONNX; any number of images fits.

    Parameters
    ----------
    size
        (width, height).
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net.to(memory_format=torch.contiguous_format),  # type: ignore[call-overload]
            (torch.zeros(2, channels, size[1], size[0]),),
            str(file),
            input_names=["image"],
            output_names=["answer"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            external_data=False,
            verbose=False,
        )
