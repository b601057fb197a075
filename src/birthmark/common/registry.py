"""One registry for every kind of plugin: a file each, found by its name's pattern."""

from __future__ import annotations

import difflib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Generic, TypeVar

from birthmark.common.errors import BirthmarkError

T = TypeVar("T")


@dataclass(frozen=True)
class Plugin(Generic[T]):
    """A plugin: its module, the pattern of the names it makes, and one name as an example."""

    module: str
    pattern: re.Pattern[str]
    make: Callable[..., T]
    example: str


class Registry(Generic[T]):
    """Plugins of one package; every module in it may register some.

    Parameters
    ----------
    what
        What a plugin is called in an error, such as "score".
    package
        The package whose modules are the plugins.
    """

    def __init__(self, what: str, package: str) -> None:
        self.what = what
        self.package = package
        self._plugins: list[Plugin[T]] = []
        self._found = False

    def register(
        self, pattern: str, *, example: str
    ) -> Callable[[Callable[..., T]], Callable[..., T]]:
        """Register a factory; the pattern's named groups become its keyword arguments."""

        def add(make: Callable[..., T]) -> Callable[..., T]:
            module = make.__module__.rpartition(".")[2]
            self._plugins.append(Plugin(module, re.compile(pattern), make, example))
            return make

        return add

    def plugins(self) -> list[Plugin[T]]:
        """All plugins, by the order of their modules' names."""
        if not self._found:
            self._found = True
            package = import_module(self.package)
            for module in pkgutil.iter_modules(package.__path__):
                import_module(f"{self.package}.{module.name}")
        return sorted(self._plugins, key=lambda plugin: (plugin.module, plugin.example))

    def make(self, name: str) -> T:
        """Make the plugin that goes by `name`.

        Raises
        ------
        BirthmarkError
            If there is none; the nearest names are told.
        """
        for plugin in self.plugins():
            if match := plugin.pattern.fullmatch(name):
                return plugin.make(**match.groupdict())
        known = [plugin.example for plugin in self.plugins()]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}"
        raise BirthmarkError(f"{self.what} {name!r}", "is not known", hint)
