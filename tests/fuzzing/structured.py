"""Changes to JSON that keep it JSON, names that stand twice included."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1,
    2,
    3,
    255,
    2**31,
    2**63,
    2**64,
    10**30,
    -0.0,
    0.5,
    1e300,
    1e-320,
    float("nan"),
    float("inf"),
    "",
    "a",
    "\x00",
    "\x1b[31m\n",
    "é\ud800",
    "a" * 300,
    "sha256:" + "0" * 64,
    "../../a",
    [],
    {},
    [[]],
    [1, 2],
    {"a": 1},
)


def odd(rnd: Random) -> Any:
    """A value that readers may not expect."""
    return deepcopy(rnd.choice(ODD))


class Pairs(list[list[Any]]):
    """An object as its names and values, in order; a name may be there twice."""


def parsed(data: bytes) -> Any:
    """JSON, with `Pairs` for objects."""
    return json.loads(data, object_pairs_hook=lambda pairs: Pairs(map(list, pairs)))


def text(value: Any) -> str:
    """What `parsed` read, as JSON without spaces."""
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{json.dumps(name)}:{text(one)}" for name, one in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text, value)) + "]"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


Place = tuple[Any, int]
"""An object or a list, and a position in it."""


def _places(value: Any) -> Iterator[Place]:
    if isinstance(value, list):
        for at, one in enumerate(value):
            yield value, at
            yield from _places(one[1] if isinstance(value, Pairs) else one)


def _get(place: Place) -> Any:
    holder, at = place
    return holder[at][1] if isinstance(holder, Pairs) else holder[at]


def _put(place: Place, value: Any) -> None:
    holder, at = place
    holder[at] = [holder[at][0], value] if isinstance(holder, Pairs) else value


def _named(holder: Any, name: str, value: Any) -> Any:
    return [name, value] if isinstance(holder, Pairs) else value


def _name(place: Place) -> str:
    holder, at = place
    return str(holder[at][0]) if isinstance(holder, Pairs) else "a"


def _dropped(one: Place, other: Place, rnd: Random) -> None:  # noqa: ARG001
    del one[0][one[1]]


def _replaced(one: Place, other: Place, rnd: Random) -> None:  # noqa: ARG001
    _put(one, odd(rnd))


def _retyped(one: Place, other: Place, rnd: Random) -> None:  # noqa: ARG001
    value = _get(one)
    made: list[Any] = [[value], Pairs([["a", value]]), text(value)]
    if isinstance(value, str):
        made += [len(value), list(value[:9]), value.encode().hex(), f" {value}"]
    elif isinstance(value, int | float):
        made += [bool(value), -value, value * 10**6, value + 0.5, str(value)]
    elif isinstance(value, list) and value:
        made += [value[0], None]
    _put(one, rnd.choice(made))


def _doubled(one: Place, other: Place, rnd: Random) -> None:
    value = rnd.choice((_get(one), _get(other), odd(rnd)))
    one[0].insert(one[1] + rnd.randrange(2), _named(one[0], _name(one), value))


def _reordered(one: Place, other: Place, rnd: Random) -> None:  # noqa: ARG001
    rnd.shuffle(one[0])


def _swapped(one: Place, other: Place, rnd: Random) -> None:  # noqa: ARG001
    first, second = _copy(_get(one)), _copy(_get(other))
    _put(one, second)
    _put(other, first)


def _moved(one: Place, other: Place, rnd: Random) -> None:
    name, value = _name(one), _copy(_get(one))
    other[0].insert(other[1], _named(other[0], name, value))
    if rnd.random() < 0.7 and other[0] is not one[0]:
        del one[0][one[1]]


def _renamed(one: Place, other: Place, rnd: Random) -> None:
    if isinstance(one[0], Pairs):
        name = rnd.choice((_name(other), "", "format", "kind", "\x07", f"{_name(one)} "))
        one[0][one[1]] = [name, _get(one)]


def _copy(value: Any) -> Any:
    return parsed(text(value).encode(errors="replace"))


CHANGES: tuple[Callable[[Place, Place, Random], None], ...] = (
    _dropped,
    _replaced,
    _replaced,
    _retyped,
    _retyped,
    _doubled,
    _reordered,
    _swapped,
    _moved,
    _renamed,
)


def changed(value: Any, rnd: Random) -> Any:
    """What `parsed` read, with one place or a few changed; `value` is changed too."""
    for _ in range(rnd.choice((1, 1, 1, 2, 5))):
        places = list(_places(value))
        if not places:
            return odd(rnd)
        rnd.choice(CHANGES)(rnd.choice(places), rnd.choice(places), rnd)
    return value


def changed_text(data: bytes, rnd: Random) -> bytes:
    """JSON with its structure changed.

    Raises
    ------
    ValueError, RecursionError
        If it is not JSON, or nested too deeply.
    """
    return text(changed(parsed(data), rnd)).encode(errors="replace")
