"""Slow imports that a runtime names in PRELOAD, to be done once for all its models."""
