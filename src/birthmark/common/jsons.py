"""How much memory a stranger's JSON takes, known before it is parsed."""

from __future__ import annotations


def has_few_parts(data: bytes, most: int) -> bool:
    """Whether JSON has at most `most` objects and lists.

    An empty one takes two bytes of text and a hundred of memory. What stands in texts counts too.
    """
    return data.count(b"{") + data.count(b"[") <= most


def has_few_values(data: bytes, most: int) -> bool:
    """Whether JSON has at most `most` values of any kind; commas in texts count too.

    For what pydantic reads: each value that is wrong is told by a kilobyte.
    """
    return data.count(b"{") + data.count(b"[") + data.count(b",") <= most
