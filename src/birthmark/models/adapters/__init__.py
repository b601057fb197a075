"""Models seen from outside; one file an adapter."""

from birthmark.models.adapters.base import Description, Suspect, answered
from birthmark.models.adapters.declaration import Declaration
from birthmark.models.adapters.lookup import as_suspect, open_suspect

__all__ = ["Declaration", "Description", "Suspect", "answered", "as_suspect", "open_suspect"]
