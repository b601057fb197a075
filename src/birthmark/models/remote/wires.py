"""Connections over which requests are sent, one at a time each."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from functools import cache
from typing import Protocol
from urllib.request import getproxies, proxy_bypass

import h11
import httpx

from birthmark.models.remote.schema import MAX_ANSWER

CHUNK = 1 << 16
UNSENDABLE = "the address or a header can't be sent"
CONNECTING = 10.0
"""Seconds until a connection must be there."""


@dataclass(frozen=True)
class Request:
    """An HTTP request, its headers complete."""

    method: str
    url: httpx.URL
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer.

    Attributes
    ----------
    status
        The HTTP status.
    headers
        By their names in lower case; of several with one name the last.
    body
        The bytes as they came; None if there were more than 16 MiB.
    """

    status: int
    headers: dict[str, str]
    body: bytes | None


class UnsentError(Exception):
    """The request surely did not reach the API.

    Parameters
    ----------
    reason
        Why.
    final
        Whether it never will, until the user mends something.
    """

    def __init__(self, reason: str, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class BrokenError(Exception):
    """The request may have reached the API, but no whole answer came."""


class Wire(Protocol):
    """A connection, opened when it is first used and again when it is lost."""

    async def exchange(self, request: Request) -> Answer:
        """Send a request and read the whole answer.

        Raises
        ------
        UnsentError, BrokenError
            If there is none.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class Direct:
    """A connection straight to the API, at a third of what httpx's own take of the processor."""

    def __init__(self) -> None:
        self._to: tuple[str, str, int | None] | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._state = h11.Connection(h11.CLIENT)

    async def exchange(self, request: Request) -> Answer:
        """See `Wire`."""
        reader, writer = await self._opened(request.url)
        whole = False
        try:
            try:
                writer.write(self._packed(request))
            except h11.LocalProtocolError as error:
                raise UnsentError(UNSENDABLE, final=True) from error
            answer = await self._answer(reader)
            whole = answer.body is not None and self._state.our_state is h11.DONE
            whole = whole and self._state.their_state is h11.DONE
            if whole:
                self._state.start_next_cycle()
        except (OSError, EOFError, h11.RemoteProtocolError) as error:
            raise BrokenError(f"the connection broke ({type(error).__name__})") from error
        finally:
            if not whole:
                self.close()
        return answer

    def close(self) -> None:
        """See `Wire`."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _opened(self, url: httpx.URL) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        to = (url.scheme, url.raw_host.decode("ascii"), url.port)
        if self._streams is not None and (self._to != to or self._streams[0].at_eof()):
            self.close()
        if self._streams is None:
            context = verifying() if url.scheme == "https" else None
            port = url.port or (443 if context else 80)
            try:
                async with asyncio.timeout(CONNECTING):
                    self._streams = await asyncio.open_connection(
                        to[1], port, ssl=context, happy_eyeballs_delay=0.25
                    )
            except ssl.SSLCertVerificationError as error:
                raise UnsentError("its certificate can't be verified", final=True) from error
            except (OSError, EOFError, UnicodeError) as error:
                raise UnsentError("no connection could be made") from error
            self._to = to
            self._state = h11.Connection(h11.CLIENT)
        return self._streams

    def _packed(self, request: Request) -> bytes:
        head = h11.Request(
            method=request.method, target=request.url.raw_path, headers=list(request.headers)
        )
        parts = [self._state.send(head)]
        if request.body:
            parts.append(self._state.send(h11.Data(data=request.body)))
        parts.append(self._state.send(h11.EndOfMessage()))
        return b"".join(part for part in parts if part)

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        state, parts, size = self._state, [], 0
        head: h11.Response | None = None
        while True:
            event = state.next_event()
            if event is h11.NEED_DATA:
                state.receive_data(await reader.read(CHUNK))
            elif isinstance(event, h11.Data):
                size += len(event.data)
                if size > MAX_ANSWER:
                    break
                parts.append(bytes(event.data))
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.EndOfMessage):
                break
            elif not isinstance(event, h11.InformationalResponse):
                raise EOFError
        if head is None:
            raise EOFError
        headers = {name.decode("latin1"): value.decode("latin1") for name, value in head.headers}
        body = b"".join(parts) if size <= MAX_ANSWER else None
        return Answer(head.status_code, headers, body)


class Proxied:
    """A connection by way of the proxy that the environment names."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            verify=verifying(),
            timeout=httpx.Timeout(None, connect=CONNECTING),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            follow_redirects=False,
        )

    async def exchange(self, request: Request) -> Answer:
        """See `Wire`."""
        try:
            built = httpx.Request(
                request.method, request.url, headers=request.headers, content=request.body or None
            )
            response = await self._client.send(built, stream=True)
            try:
                body = await _bounded(response)
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise UnsentError("its certificate can't be verified", final=True) from error
            raise UnsentError("no connection could be made") from error
        except httpx.LocalProtocolError as error:
            raise UnsentError(UNSENDABLE, final=True) from error
        except (httpx.HTTPError, OSError) as error:
            raise BrokenError(f"the connection broke ({type(error).__name__})") from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, body)

    def close(self) -> None:
        """See `Wire`."""


@cache
def verifying() -> ssl.SSLContext:
    """How certificates are verified: as httpx does, by the environment's authorities if any."""
    return httpx.create_ssl_context()


async def _bounded(response: httpx.Response) -> bytes | None:
    parts, size = [], 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > MAX_ANSWER:
            return None
        parts.append(part)
    return b"".join(parts)


def wire_to(url: httpx.URL) -> Wire:
    """A wire to an address, by a proxy if the environment names one for it."""
    proxies = getproxies()
    if (proxies.get(url.scheme) or proxies.get("all")) and not proxy_bypass(url.host):
        return Proxied()
    return Direct()
