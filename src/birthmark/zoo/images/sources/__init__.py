"""Readers of public image data sets; one file a set. No set is downloaded or shipped."""

from birthmark.zoo.images.sources.base import SOURCES, Samples

__all__ = ["SOURCES", "Samples"]
