"""From the bytes of an answer to the JSON in them, whoever wrote them."""

from __future__ import annotations

import json
import math
import re
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from birthmark.common.errors import BirthmarkError, one_line
from birthmark.common.jsons import has_few_parts
from birthmark.data.outputs import MAX_WIDTH
from birthmark.models.remote.call import Answerless

if TYPE_CHECKING:
    from jsonpath import JSONPathEnvironment

MAX_ANSWER = 8 << 20
MAX_PARTS = 100_000
MAX_PATH = 500
SHOWN = 80
NUMBER = re.compile(r"\s*[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?\s*%?\s*", re.A)


def parsed(body: bytes, source: str) -> object:
    """The JSON in an answer: of bounded size and depth, without NaN and Infinity.

    Of equal names in an object the last counts.

    Raises
    ------
    BirthmarkError
        If it is none.
    """
    if len(body) > MAX_ANSWER:
        raise BirthmarkError(
            source, f"answered with over {MAX_ANSWER >> 20} MiB", "check the address"
        )
    if not has_few_parts(body, MAX_PARTS):
        raise BirthmarkError(
            source, f"answered with over {MAX_PARTS:,} objects and lists", "check the address"
        )
    try:
        document: object = json.loads(body.decode("utf-8-sig"), parse_constant=_refused)
    except RecursionError as error:
        raise BirthmarkError(
            source, "answered with JSON that is nested too deeply", "check the address"
        ) from error
    except ValueError as error:
        raise BirthmarkError(
            source, f"did not answer with JSON: {shown(body)}", "check the address"
        ) from error
    return document


def _refused(constant: str) -> Any:
    raise ValueError(constant)


def shown(value: object) -> str:
    """A piece of an answer in a few words, fit to show."""
    if isinstance(value, bytes):
        return repr(one_line(value[: 4 * SHOWN].decode(errors="replace"), SHOWN))
    if isinstance(value, str):
        return repr(one_line(value[: 4 * SHOWN], SHOWN))
    if isinstance(value, dict):
        names = ", ".join(one_line(str(name)[:SHOWN], 20) for name in islice(value, 5))
        return f"an object of {len(value)} ({names})" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int) and abs(value) >= 10**SHOWN:
        return "a number of over 80 digits"
    return str(value)


@cache
def _environment() -> JSONPathEnvironment:
    """RFC 9535 without regular expressions, which can be made to take for ever."""
    from jsonpath import JSONPathEnvironment

    class Environment(JSONPathEnvironment):
        max_recursion_depth = 50

        def setup_function_extensions(self) -> None:
            super().setup_function_extensions()
            del self.function_extensions["match"], self.function_extensions["search"]

    return Environment(strict=True)


class Path:
    """A JSONPath (RFC 9535, without `match()` and `search()`).

    Parameters
    ----------
    text
        Such as `$.predictions[0].scores`.

    Raises
    ------
    ValueError
        If it is none.
    """

    def __init__(self, text: str) -> None:
        from jsonpath import JSONPath

        self.text = text
        if len(text) > MAX_PATH or text.count("..") > 1:
            raise ValueError(f"has over {MAX_PATH} characters or more than one '..'")
        try:
            compiled = _environment().compile(text)
        except (Exception, RecursionError) as error:  # the parser raises what it meets
            raise ValueError(f"is not a JSONPath ({one_line(str(error), 120)})") from error
        if not isinstance(compiled, JSONPath):
            raise ValueError("is more than one JSONPath")
        self._compiled = compiled

    def all(self, document: object, source: str) -> list[Any]:
        """What is there, in order; at most MAX_WIDTH things.

        Raises
        ------
        BirthmarkError
            If there are more, or the document is too deep for the path.
        """
        if not isinstance(document, dict | list):
            return [document] if self.text == "$" else []
        try:
            nodes = self._compiled.finditer(document)
            found = [node.obj for node in islice(nodes, MAX_WIDTH + 1)]
        except (Exception, RecursionError) as error:
            raise BirthmarkError(
                source,
                f"gave an answer that {self.text} cannot be looked up in",
                "fix the path",
            ) from error
        if len(found) > MAX_WIDTH:
            raise BirthmarkError(source, f"answered with too much at {self.text}", "fix the path")
        return found

    def one(self, document: object, source: str) -> Any:
        """The one thing that is there.

        Raises
        ------
        BirthmarkError
            If there is nothing (`Answerless`), or more.
        """
        found = self.all(document, source)
        self._require_something(found, document, source)
        if len(found) != 1:
            raise BirthmarkError(
                source,
                f"its answer has {len(found)} values at {self.text}: {shown(document)}",
                "fix the path",
            )
        return found[0]

    def several(self, document: object, source: str) -> list[Any]:
        """The items of the one list that is there, or else all that is there.

        Raises
        ------
        BirthmarkError
            If there is nothing (`Answerless`).
        """
        found = self.all(document, source)
        self._require_something(found, document, source)
        return found[0] if len(found) == 1 and isinstance(found[0], list) else found

    def _require_something(self, found: list[Any], document: object, source: str) -> None:
        if is_nothing(found):
            there = shown(found[0]) if found else "nothing"
            raise Answerless(
                source,
                f"its answer has {there} at {self.text}: {shown(document)}",
                "fix the path; or, if that is how it refuses an image, add [refused] with path ="
                f" {json.dumps(self.text)} and empty = true",
            )


def is_nothing(found: list[Any]) -> bool:
    """Whether what a path found is nothing, null, or an empty text, list or object."""
    return not found or (len(found) == 1 and (found[0] is None or found[0] in ("", [], {})))


def number(value: object, where: str, source: str) -> float:
    """A finite number of an answer; text that is one counts: "0.93", and "93.1%" as 0.931.

    Raises
    ------
    BirthmarkError
        If it is none.
    """
    share = 1.0
    if isinstance(value, str) and NUMBER.fullmatch(value):
        share = 0.01 if value.rstrip().endswith("%") else 1.0
        value = float(value.rstrip().rstrip("%"))
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            real = share * float(value)
        except OverflowError:
            real = math.inf
        if math.isfinite(real):
            return real
    raise BirthmarkError(
        source, f"its answer has {shown(value)} at {where}, which is not a number", "fix the path"
    )
