"""The weights in a model's file, as plain arrays, whatever wrote it."""

from birthmark.models.weights.reading import FORMATS, read_weights, readable
from birthmark.models.weights.tensors import Tensor

__all__ = ["FORMATS", "Tensor", "read_weights", "readable"]
