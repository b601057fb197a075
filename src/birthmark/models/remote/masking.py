"""Keeping passwords and keys out of what is recorded and shown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

MASK = "***"
SHORTEST = 6
"""Shorter values are no secrets, and would be found in any text."""
PLAIN = {"accept", "accept-encoding", "content-type", "content-length", "user-agent", "host"}


@lru_cache(maxsize=64)
def shown(url: str) -> str:
    """An address without user and password, and with the names alone of its query."""
    try:
        parts = urlsplit(url)
        query = urlencode([(name, MASK) for name, _ in parse_qsl(parts.query, True)], safe="*")
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, query, ""))
    except ValueError:
        return MASK


@lru_cache(maxsize=64)
def secrets_of(url: str, headers: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """What of a request may be a secret, the longest first."""
    found = set()
    for name, value in headers:
        if name.lower() not in PLAIN:
            found |= {value, *value.split()}
    try:
        parts = urlsplit(url)
        found |= {value for _, value in parse_qsl(parts.query)}
        found |= {unquote(one) for one in (parts.username, parts.password) if one}
    except ValueError:
        pass
    return tuple(sorted((one for one in found if len(one) >= SHORTEST), key=len, reverse=True))


def without(text: bytes, secrets: Sequence[str]) -> bytes:
    """Text in which secrets that came back are masked."""
    for secret in secrets:
        text = text.replace(secret.encode(), MASK.encode())
    return text
