"""Whether messages name options of commands, or what they are called in Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

_by_option = False

_SIZES = re.compile(r"--input (\w+?)x(\w+?)x(\w+)")
_SIZE = re.compile(r"--resize (\w+?)x(\w+)")
_RANGE = re.compile(r"--range (\w+):(\w+)")
_OPTION = re.compile(
    r"--(?P<name>[a-z][a-z-]*)"
    r"(?: (?P<value>[A-Z][A-Z_]*\b|\d[\d.]*\b|(?<=start )random|(?<=rule )rank"
    r"|(?<=method )[\w@.-]+|(?<=output )[a-z]{5,}|(?<=device )[a-z]+))?"
)
_CALLED = {"surrogate": "surrogates", "outsider": "outsiders", "header": "headers"}
_FLAGS = ("stop-early", "allow-download", "pdf")


@contextmanager
def options_named() -> Iterator[None]:
    """While a command runs, messages name its options."""
    global _by_option
    before, _by_option = _by_option, True
    try:
        yield
    finally:
        _by_option = before


def are_options_named() -> bool:
    """Whether they are now; a worker is another process, and has to be told."""
    return _by_option


def told(message: str) -> str:
    """A message that names options as `--name VALUE`, as whoever called it writes them."""
    return message if _by_option else in_python(message)


def in_python(message: str) -> str:
    """The same with keyword arguments: `pass --alpha 0.05` is `pass alpha=0.05`."""
    message = _SIZES.sub(r"size=(\1, \2) channels=\3", message)
    message = _SIZE.sub(r"resize=(\1, \2)", message)
    message = _RANGE.sub(r"range=(\1, \2)", message)
    message = re.sub(r"(?<![\w-])-n (\d+)", r"n=\1", message)
    return _OPTION.sub(_argument, message)


def _argument(found: re.Match[str]) -> str:
    option, value = found["name"], found["value"]
    name = _CALLED.get(option, option).replace("-", "_")
    if value is None:
        return f"{name}=True" if option in _FLAGS else name
    return f"{name}={value if value[0].isupper() or value[0].isdigit() else repr(value)}"
