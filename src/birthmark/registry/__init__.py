"""Many protected models side by side, and which of them a suspect's answers are most like."""

from birthmark.registry.registry import NEAREST, Near, Registry

__all__ = ["NEAREST", "Near", "Registry"]
