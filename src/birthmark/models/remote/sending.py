"""One attempt at a call: sent over HTTP, and what came of it."""

from __future__ import annotations

import asyncio
import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

import httpx

from birthmark.models.remote.masking import without
from birthmark.models.remote.schema import MAX_ANSWER, Outcome
from birthmark.models.remote.wires import (
    UNSENDABLE,
    Answer,
    BrokenError,
    Request,
    UnsentError,
    Wire,
)
from birthmark.models.remote.writing import Ending

LONGEST_WAIT = 600.0
IDEMPOTENCY = b"Idempotency-Key"
RETRIED = {408, 425, 429}
"""Beside 500 and above. Every other status is final for this attempt's question."""


@dataclass(frozen=True)
class Sent:
    """How an attempt ended, and how long the API asks to wait before the next.

    Attributes
    ----------
    ending
        For the ledger.
    wait
        Seconds, at most 10 minutes; None if it doesn't say.
    everyone
        Whether that concerns all calls and not only this one.
    final
        Whether no attempt will do better until the user mends something.
    """

    ending: Ending
    wait: float | None = None
    everyone: bool = False
    final: bool = False


def build(
    method: str, url: str, headers: Mapping[str, str], body: bytes, idempotency: str
) -> Request:
    """The request, ready to be sent.

    Raises
    ------
    ValueError
        If the address or a header can't be sent.
    """
    where, fixed = _fixed(url, tuple(headers.items()))
    own = (
        []
        if IDEMPOTENCY.lower() in {name.lower() for name, _ in fixed}
        else [(IDEMPOTENCY, idempotency.encode())]
    )
    length = [(b"Content-Length", str(len(body)).encode())] if body or method != "GET" else []
    return Request(method, where, (*fixed, *own, *length), body)


@lru_cache(maxsize=64)
def _fixed(
    url: str, headers: tuple[tuple[str, str], ...]
) -> tuple[httpx.URL, tuple[tuple[bytes, bytes], ...]]:
    """What is the same in every request to an address: parsed, and complete headers."""
    try:
        where = httpx.URL(url)
        if where.scheme not in ("http", "https") or not where.host:
            raise ValueError("the address is neither http nor https")
        fields = httpx.Headers([("Host", where.netloc.decode("ascii")), *headers])
        fields["Accept-Encoding"] = "identity"
        fields.setdefault("User-Agent", "birthmark")
        if where.userinfo:
            login = f"{where.username}:{where.password}".encode()
            fields.setdefault("Authorization", f"Basic {base64.b64encode(login).decode()}")
    except (httpx.InvalidURL, TypeError, UnicodeError) as error:
        raise ValueError(UNSENDABLE) from error
    return where, tuple(fields.raw)


async def send(wire: Wire, request: Request, timeout: float, secrets: Sequence[str]) -> Sent:
    """Send a request and read the whole answer, of 16 MiB at most.

    Parameters
    ----------
    wire
        One that nobody else uses meanwhile.
    request
        From `build`.
    timeout
        Seconds until the whole answer must be there, however slowly it drips.
    secrets
        What to mask where it comes back in the answer.
    """
    try:
        async with asyncio.timeout(timeout):
            answer = await wire.exchange(request)
    except TimeoutError:
        return Sent(Ending(Outcome.FAILED, f"no whole answer within {timeout:g} s"))
    except UnsentError as error:
        return Sent(Ending(Outcome.UNSENT, str(error)), final=error.final)
    except BrokenError as error:
        return Sent(Ending(Outcome.FAILED, str(error)))
    return _ended(answer, secrets)


def _plain(answer: Answer) -> bytes:
    """An answer's bytes, inflated if need be.

    Raises
    ------
    ValueError
        If they are too many or can't be inflated.
    """
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    content = answer.body
    if content is not None and coding in ("gzip", "deflate"):
        try:
            inflating = zlib.decompressobj(wbits=47)
            content = inflating.decompress(content, MAX_ANSWER + 1)
        except zlib.error as error:
            raise ValueError("the compressed answer is damaged") from error
        if len(content) <= MAX_ANSWER and not inflating.eof:
            raise ValueError("the compressed answer is cut off")
    elif coding != "identity":
        raise ValueError("the answer is compressed in a way that was not asked for")
    if content is None or len(content) > MAX_ANSWER:
        raise ValueError(f"the answer is over {MAX_ANSWER >> 20} MiB")
    return content


def _ended(answer: Answer, secrets: Sequence[str]) -> Sent:
    status = answer.status
    try:
        content = without(_plain(answer), secrets)
    except ValueError as error:
        return Sent(Ending(Outcome.FAILED, str(error), status))
    if status in RETRIED or status >= 500:
        wait = retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
        ending = Ending(Outcome.FAILED, f"HTTP {status}", status, content)
        return Sent(ending, wait, everyone=status in (429, 503))
    return Sent(Ending(Outcome.RECEIVED, None, status, content))


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for, a number or an HTTP date; 10 minutes at most.

    None without one, or if it is neither.
    """
    if value is None:
        return None
    text = value.strip()
    try:
        if text.isascii() and text.isdigit():
            seconds = float(text[:9])
        else:
            moment = parsedate_to_datetime(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)
