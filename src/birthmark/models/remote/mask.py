"""Keeping passwords and keys out of what is recorded and shown."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus, urlencode, urlsplit, urlunsplit

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
def secrets_of(
    url: str, headers: tuple[tuple[str, str], ...], stated: tuple[str, ...] = ()
) -> tuple[bytes, ...]:
    """What of a request may be a secret, in all forms it may come back in, the longest first.

    Parameters
    ----------
    url
        Each value of its query counts.
    headers
        Each value counts, and its parts: cookies, parameters, the user and password of Basic.
    stated
        Secrets in the body.
    """
    found = set(stated)
    for name, value in headers:
        if name.lower() not in PLAIN:
            found |= {value, *_parts(value)}
    for pair in url.partition("#")[0].partition("?")[2].split("&"):
        value = pair.partition("=")[2]
        found |= {value, unquote_plus(value)}
    forms = {form.encode() for one in found for form in _forms(one)}
    return tuple(sorted((one for one in forms if len(one) >= SHORTEST), key=len, reverse=True))


def without(text: bytes, secrets: Sequence[bytes]) -> bytes:
    """Text in which secrets are masked; digits that are part of a longer number are none."""
    for secret in secrets:
        if secret.isdigit():
            text = re.sub(rb"(?<![\d.])" + secret + rb"(?![\d.])", MASK.encode(), text)
        else:
            text = text.replace(secret, MASK.encode())
    return text


def _parts(value: str) -> Iterator[str]:
    for part in re.split(r"[\s;,]+", value):
        yield part
        yield part.partition("=")[2].strip('"')
    if value[:6].lower() == "basic ":
        try:
            login = base64.b64decode(value[6:]).decode()
        except ValueError:
            return
        yield from (login, *login.split(":", 1))


def _forms(secret: str) -> tuple[str, ...]:
    in_json = json.dumps(secret)[1:-1]
    in_address = quote(secret, safe=""), quote_plus(secret)
    return secret, in_json, in_json.replace("/", "\\/"), html.escape(secret), *in_address
