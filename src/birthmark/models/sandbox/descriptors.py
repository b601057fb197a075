"""The descriptors that a model's process has, beside the standard ones."""

from __future__ import annotations

ANSWERS = 3
"""Of the socket that it answers on."""
BATCHES = 4
"""Of the memory for batches, on Linux."""
