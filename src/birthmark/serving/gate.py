"""What every request passes first: bounds, repeated keys, and faults made on purpose."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from birthmark.common.digests import sha256
from birthmark.common.jsons import has_few_parts

MAX_BODY = 32 << 20
MAX_PARTS = 1 << 20
MAX_KEY = 200
MOST_KEPT = 10_000
MAX_KEPT = 64 << 20
"""So many answers, of so many bytes together, are kept for keys that may come again."""
FAULTS = (429, 500, 503)


@dataclass(frozen=True)
class Kept:
    """A whole reply, and the digest of what was asked."""

    asked: str
    messages: tuple[Message, ...]
    size: int


class Gate:
    """ASGI middleware: a request of bounded size, answered once for each `Idempotency-Key`.

    No page of another site that a browser shows can ask: its posts say where they come from, and
    a name that is pointed at this machine is none of `hosts`.

    Parameters
    ----------
    app
        What answers.
    latency
        Seconds that each POST takes longer.
    fail
        The share of POSTs that fail before they are answered, with one of `FAULTS`.
    seed
        Draws the faults.
    hosts
        Names in `Host` that are answered, beside localhost and addresses in numbers.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        latency: float = 0.0,
        fail: float = 0.0,
        seed: int = 0,
        hosts: Sequence[str] = (),
    ) -> None:
        self._hosts = {"localhost", *(one.lower() for one in hosts)}
        self._app = app
        self._latency = latency
        self._fail = fail
        self._draw = random.Random(seed)  # noqa: S311
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._size = 0
        self._busy: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.keys: OrderedDict[str, int] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = _header(scope, b"host")
        if not self._is_called(host):
            await _refuse(send, 421, "Host names another machine; use this server's address")
            return
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if _is_of_another_site(scope, host):
            await _refuse(send, 403, "the request comes from another site's page")
            return
        self.counts["calls"] += 1
        body = await _body(receive)
        if body is None:
            await _refuse(send, 413, f"the body is over {MAX_BODY >> 20} MiB")
            return
        if not has_few_parts(body, MAX_PARTS):
            await _refuse(send, 413, f"the body has over {MAX_PARTS:,} objects and lists")
            return
        key = _header(scope, b"idempotency-key")
        if len(key) > MAX_KEY:
            await _refuse(send, 400, f"Idempotency-Key is over {MAX_KEY} characters")
            return
        if not key:
            await self._passed(scope, body, send)
            return
        self._count(key)
        lock = self._busy.setdefault(key, asyncio.Lock())
        self._waiting[key] += 1
        try:
            async with lock:
                await self._once(key, scope, body, send)
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._busy[key]

    def _is_called(self, host: str) -> bool:
        if host.partition(":")[0].lower() in self._hosts:
            return True
        try:
            ip_address(urlsplit(f"//{host}").hostname or "")
        except ValueError:  # a name, or no address at all
            return False
        return True

    async def _once(self, key: str, scope: Scope, body: bytes, send: Send) -> None:
        asked = sha256(scope["path"].encode(), b"\n", body)
        kept = self._kept.get(key)
        if kept is not None and kept.asked != asked:
            await _refuse(send, 422, "this Idempotency-Key was used for another request")
            return
        if kept is not None:
            self.counts["repeated"] += 1
            for message in kept.messages:
                await send(message)
            return
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)
            await send(message)

        await self._passed(scope, body, keep)
        if messages and messages[0].get("status", 500) < 400:
            size = sum(len(message.get("body", b"")) for message in messages)
            self._keep(key, Kept(asked, tuple(messages), size))

    async def _passed(self, scope: Scope, body: bytes, send: Send) -> None:
        if self._latency:
            await asyncio.sleep(self._latency)
        if self._draw.random() < self._fail:
            self.counts["failed"] += 1
            await _refuse(send, self._draw.choice(FAULTS), "failed on purpose")
            return
        told = False

        async def receive() -> Message:
            nonlocal told
            if told:
                return {"type": "http.disconnect"}
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive, send)

    def _keep(self, key: str, kept: Kept) -> None:
        self._kept[key] = kept
        self._size += kept.size
        while len(self._kept) > MOST_KEPT or self._size > MAX_KEPT:
            self._size -= self._kept.popitem(last=False)[1].size

    def _count(self, key: str) -> None:
        self.keys[key] = self.keys.pop(key, 0) + 1
        while len(self.keys) > MOST_KEPT:
            self.keys.popitem(last=False)


async def _body(receive: Receive) -> bytes | None:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _is_of_another_site(scope: Scope, host: str) -> bool:
    origin, site = _header(scope, b"origin"), _header(scope, b"sec-fetch-site")
    return site not in ("", "same-origin", "none") or (
        origin != "" and origin.partition("://")[2].lower() != host.lower()
    )


def _header(scope: Scope, name: bytes) -> str:
    found = [value for key, value in scope["headers"] if key == name]
    return found[0].decode("latin-1") if found else ""


async def _refuse(send: Send, status: int, problem: str) -> None:
    headers = [(b"content-type", b"application/json")]
    if status == 429:
        headers.append((b"retry-after", b"0"))
    if status == 413:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": problem}).encode()})
