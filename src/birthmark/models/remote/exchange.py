"""One attempt at a call: sent over HTTP, and what came of it."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx

from birthmark.models.remote.access import loopback, verifying
from birthmark.models.remote.mask import shown, without
from birthmark.models.remote.pace import retry_after
from birthmark.models.remote.record import Ending
from birthmark.models.remote.schema import MAX_ANSWER, Outcome

IDEMPOTENCY = "Idempotency-Key"
UNVERIFIED = (
    "its certificate can't be verified; if it is self-signed or from your own authority, pass"
    " --ca-file FILE with that certificate (PEM)"
)
CONNECTING = 10.0
"""Seconds until a connection must be there."""
RETRIED = {408, 425, 429}
"""Beside 500 and above. Every other status is final for this attempt's question."""


def client_to(url: str, ca_file: Path | None = None) -> httpx.AsyncClient:
    """One connection to a suspect; by the environment's proxy, unless it is on this machine.

    It keeps no cookies and follows no redirects. Many calls at once take as many of these: the time
    that one with many connections takes for a call grows with their number.

    Raises
    ------
    ValueError
        If that is no address of HTTP.
    """
    logging.getLogger("httpx").addFilter(_without_query)
    return httpx.AsyncClient(
        verify=verifying(ca_file),
        trust_env=not loopback(_address(url).host),
        timeout=httpx.Timeout(None, connect=CONNECTING),
        limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


def build(
    method: str, url: str, headers: Mapping[str, str], body: bytes, idempotency: str
) -> httpx.Request:
    """The request, ready to be sent.

    Raises
    ------
    ValueError
        If the address or a header can't be sent.
    """
    fields = {"User-Agent": "birthmark", IDEMPOTENCY: idempotency}
    given = {name.lower() for name in headers}
    fields = {name: value for name, value in fields.items() if name.lower() not in given}
    try:
        request = httpx.Request(method, _address(url), headers={**headers, **fields}, content=body)
    except (UnicodeError, TypeError) as error:
        raise ValueError("a header can't be sent") from error
    request.headers["Accept-Encoding"] = "identity"
    return request


def _without_query(record: logging.LogRecord) -> bool:
    """Mask the addresses in httpx's log, for programs that show it."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            shown(str(one)) if isinstance(one, httpx.URL) else one for one in record.args
        )
    return True


@lru_cache(maxsize=64)
def _address(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise ValueError("the address can't be read") from error
    if address.scheme not in ("http", "https") or not address.host or address.userinfo:
        raise ValueError("the address is not a plain http or https one")
    return address


async def send(
    client: httpx.AsyncClient, request: httpx.Request, timeout: float, secrets: Sequence[bytes]
) -> Ending:
    """Send a request and read the whole answer, of 16 MiB at most.

    Parameters
    ----------
    client
        From `client_to`.
    request
        From `build`.
    timeout
        Seconds until the whole answer must be there, however slowly it drips.
    secrets
        What to mask where it comes back in the answer.
    """
    try:
        async with asyncio.timeout(timeout):
            response = await client.send(request, stream=True)
            try:
                body = await _bounded(response)
            finally:
                await response.aclose()
    except TimeoutError:
        return Ending(Outcome.FAILED, f"no whole answer within {timeout:g} s")
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return Ending(Outcome.UNSENT, UNVERIFIED, final=True)
        return Ending(Outcome.UNSENT, "no connection could be made")
    except (httpx.LocalProtocolError, UnicodeError):
        return Ending(Outcome.UNSENT, "the address or a header can't be sent", final=True)
    except (httpx.HTTPError, OSError) as error:
        return Ending(Outcome.FAILED, f"the connection broke ({type(error).__name__})")
    return _ended(response, body, secrets)


async def _bounded(response: httpx.Response) -> bytes | None:
    """The body as it came; None if it is too large."""
    parts, size = [], 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > MAX_ANSWER:
            return None
        parts.append(part)
    return b"".join(parts)


def _ended(response: httpx.Response, body: bytes | None, secrets: Sequence[bytes]) -> Ending:
    status = response.status_code
    if 300 <= status < 400 and (to := response.headers.get("location")):
        body = f"to {to}".encode()
    try:
        content = without(_plain(response.headers.get("content-encoding", ""), body), secrets)
    except ValueError as error:
        return Ending(Outcome.FAILED, str(error), status)
    if status in RETRIED or status >= 500:
        wait = retry_after(response.headers.get("retry-after"), datetime.now(UTC))
        everyone = status in (429, 503)
        return Ending(Outcome.FAILED, f"HTTP {status}", status, content, wait, everyone)
    return Ending(Outcome.RECEIVED, None, status, content)


def _plain(coding: str, body: bytes | None) -> bytes:
    """An answer's bytes, inflated if need be.

    Raises
    ------
    ValueError
        If they are too many or can't be inflated.
    """
    coding = coding.strip().lower()
    if body is not None and coding in ("gzip", "deflate"):
        try:
            inflating = zlib.decompressobj(wbits=47)
            body = inflating.decompress(body, MAX_ANSWER + 1)
        except zlib.error as error:
            raise ValueError("the compressed answer is damaged") from error
        if len(body) <= MAX_ANSWER and not inflating.eof:
            raise ValueError("the compressed answer is cut off")
    elif coding not in ("", "identity"):
        raise ValueError("the answer is compressed in a way that was not requested")
    if body is None or len(body) > MAX_ANSWER:
        raise ValueError(f"the answer is over {MAX_ANSWER >> 20} MiB")
    return body
