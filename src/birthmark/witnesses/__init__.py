"""Witnesses that need no reference models: a file's weights, and what the owner shuffled."""
