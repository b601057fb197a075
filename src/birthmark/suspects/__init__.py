"""Models seen from outside; one file an adapter."""

from birthmark.suspects.base import Description, Suspect, answered
from birthmark.suspects.declaration import Declaration
from birthmark.suspects.finding import as_suspect, open_suspect

__all__ = ["Declaration", "Description", "Suspect", "answered", "as_suspect", "open_suspect"]
