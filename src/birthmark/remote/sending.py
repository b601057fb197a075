"""One attempt at a call: sent over HTTP, and what came of it."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from birthmark.remote.masking import secrets_of, without
from birthmark.remote.schema import MAX_ANSWER, Outcome
from birthmark.remote.writing import Ending

LONGEST_WAIT = 600.0
CONNECTING = 10.0
RETRIED = {408, 425, 429}
"""Beside 500 and above. Every other status is final for this attempt's question."""


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
    """

    def __init__(self, ending: Ending, wait: float | None = None, everyone: bool = False) -> None:
        self.ending = ending
        self.wait = wait
        self.everyone = everyone


def build(
    method: str, url: str, headers: Mapping[str, str], body: bytes, idempotency: str
) -> httpx.Request:
    """The request, ready to be sent.

    Raises
    ------
    ValueError
        If the address or a header can't be sent.
    """
    names = {name.lower() for name in headers}
    fields = dict(headers)
    if "idempotency-key" not in names:
        fields["Idempotency-Key"] = idempotency
    fields["Accept-Encoding"] = "identity"
    try:
        return httpx.Request(method, url, headers=fields, content=body if body else None)
    except (httpx.InvalidURL, TypeError, UnicodeError) as error:
        raise ValueError("the address or a header can't be sent") from error


def client(context: ssl.SSLContext, connecting: float) -> httpx.AsyncClient:
    """A client with one connection; certificates are verified, redirects never followed."""
    return httpx.AsyncClient(
        verify=context,
        timeout=httpx.Timeout(None, connect=min(CONNECTING, connecting)),
        limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=60),
        follow_redirects=False,
    )


async def send(http: httpx.AsyncClient, request: httpx.Request, timeout: float) -> Sent:
    """Send a request and read the whole answer, of 16 MiB at most.

    Parameters
    ----------
    http
        A client that nobody else uses meanwhile.
    request
        From `build`.
    timeout
        Seconds until the whole answer must be there, however slowly it drips.
    """
    try:
        async with asyncio.timeout(timeout):
            response = await http.send(request, stream=True)
            try:
                answer = await _read(response)
            finally:
                await response.aclose()
    except TimeoutError:
        return _failed(f"no whole answer within {timeout:g} s")
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return Sent(Ending(Outcome.UNSENT, UNTRUSTED))
        return Sent(Ending(Outcome.UNSENT, "no connection could be made"))
    except httpx.UnsupportedProtocol:
        return Sent(Ending(Outcome.UNSENT, UNREACHABLE))
    except (httpx.HTTPError, OSError) as error:
        return _failed(f"the connection broke ({type(error).__name__})")
    return _ended(response, answer, secrets_of(str(request.url), request.headers))


UNTRUSTED = "its certificate can't be verified"
UNREACHABLE = "the address is neither http nor https"


async def _read(response: httpx.Response) -> bytes | str:
    """The answer's bytes, or what is wrong with them."""
    parts, size = [], 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > MAX_ANSWER:
            return f"the answer is over {MAX_ANSWER >> 20} MiB"
        parts.append(part)
    content = b"".join(parts)
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        return content
    if coding not in ("gzip", "deflate"):
        return "the answer is compressed in a way that was not asked for"
    try:
        inflating = zlib.decompressobj(wbits=47)
        content = inflating.decompress(content, MAX_ANSWER + 1)
    except zlib.error:
        return "the compressed answer is damaged"
    if len(content) > MAX_ANSWER:
        return f"the answer is over {MAX_ANSWER >> 20} MiB"
    return content if inflating.eof else "the compressed answer is cut off"


def _ended(response: httpx.Response, answer: bytes | str, secrets: list[str]) -> Sent:
    status = response.status_code
    if isinstance(answer, str):
        return Sent(Ending(Outcome.FAILED, answer, status))
    content = without(answer, secrets)
    if status in RETRIED or status >= 500:
        wait = retry_after(response.headers.get("retry-after"), datetime.now(UTC))
        ending = Ending(Outcome.FAILED, f"HTTP {status}", status, content)
        return Sent(ending, wait, status in (429, 503))
    return Sent(Ending(Outcome.RECEIVED, None, status, content))


def _failed(reason: str) -> Sent:
    return Sent(Ending(Outcome.FAILED, reason))


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
