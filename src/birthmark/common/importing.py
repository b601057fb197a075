"""The user's own Python objects, by name."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


def imported(spec: str) -> tuple[ModuleType, Any]:
    """The module of `module:attribute` and the attribute; the current folder is searched first.

    Raises
    ------
    Exception
        Whatever importing the user's code raises.
    """
    name, _, attribute = spec.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    module = import_module(name)
    return module, getattr(module, attribute)
