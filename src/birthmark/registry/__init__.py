"""Many protected models side by side, and which of them a suspect's answers are most like."""

from birthmark.registry.address import is_address, new_registry, open_registry
from birthmark.registry.registry import NEAREST, Near, Registry
from birthmark.registry.store import UnreachableError

__all__ = [
    "NEAREST",
    "Near",
    "Registry",
    "UnreachableError",
    "is_address",
    "new_registry",
    "open_registry",
]
