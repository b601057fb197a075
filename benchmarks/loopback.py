"""An API on this machine that answers about digits, misbehaves as told, and counts.

Started by the other benchmarks as a process of its own; `start` and `Loopback` are for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import random
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

FAILURES = ("limited", "error", "silent", "truncated", "wrong", "reset")
NAMES = "429 with Retry-After, 500, no answer in time, truncated JSON, wrong JSON, reset connection"


@dataclass(frozen=True)
class Manner:
    """How the API behaves.

    Attributes
    ----------
    weights
        npz with `coef` (classes, pixels) and `intercept` (classes,) of the model; None to answer
        everything with the same short JSON.
    seconds
        How long an answer takes.
    honours
        Whether a request with an `Idempotency-Key` seen before gets the answer given before.
    failing
        Share of requests that fail, in one of the six ways of `FAILURES`.
    seed
        Of which requests fail, and how.
    """

    weights: str | None = None
    seconds: float = 0.05
    honours: bool = False
    failing: float = 0.0
    seed: int = 0


class Api:
    """The server's state."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.rng = random.Random(manner.seed)
        self.model = np.load(manner.weights) if manner.weights else None
        self.asked: Counter[str] = Counter()
        self.worked: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.given: dict[str, bytes] = {}
        self.busy = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer over one connection until it ends."""
        with contextlib.suppress(OSError, EOFError):
            while await self.one(reader, writer):
                await writer.drain()
        writer.close()

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        began = time.perf_counter()
        if first.startswith("GET"):
            self.counts(writer)
            return True
        self.asked[sha256(body).hexdigest()] += 1
        await asyncio.sleep(self.manner.seconds)
        if self.rng.random() < self.manner.failing:
            return await self.fail(writer, self.rng.choice(FAILURES))
        writer.write(self.said(body, headers.get("idempotency-key", "")))
        self.busy += time.perf_counter() - began
        return True

    def said(self, body: bytes, key: str) -> bytes:
        """The answer to a request that does not fail, as bytes."""
        if self.manner.honours and key in self.given:
            return self.given[key]
        self.worked[sha256(body).hexdigest()] += 1
        answer = packed(200, self.answer(body))
        if key and self.manner.honours:
            self.given[key] = answer
        return answer

    def answer(self, body: bytes) -> bytes:
        """What the model says of an image, as JSON."""
        if self.model is None:
            return b'{"chances": [0.5, 0.5]}'
        pixels = np.asarray(Pillow.open(io.BytesIO(body)).convert("L"), dtype=np.float64)
        inputs = (pixels.reshape(-1) / 255 - 0.5) / 0.25
        logits = self.model["coef"] @ inputs + self.model["intercept"]
        chances = np.exp(logits - logits.max())
        return json.dumps({"chances": (chances / chances.sum()).tolist()}).encode()

    async def fail(self, writer: asyncio.StreamWriter, how: str) -> bool:
        """Fail in one of the ways; whether the connection goes on."""
        self.failed[how] += 1
        if how == "limited":
            writer.write(packed(429, b"{}", "Retry-After: 0\r\n"))
        elif how == "error":
            writer.write(packed(500, b"{}"))
        elif how == "truncated":
            writer.write(packed(200, b'{"chances": [0.1, 0.'))
        elif how == "wrong":
            writer.write(packed(200, b'{"status": "warming up"}'))
        elif how == "silent":
            await asyncio.sleep(3.0)
            return False
        else:
            writer.transport.abort()
            return False
        return True

    def counts(self, writer: asyncio.StreamWriter) -> None:
        """Tell what was counted."""
        told = {"asked": self.asked, "worked": self.worked, "failed": self.failed}
        writer.write(packed(200, json.dumps(told | {"busy": self.busy}).encode()))


def packed(status: int, body: bytes, more: str = "") -> bytes:
    """An HTTP answer as bytes."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def run(manner: Manner) -> None:
    """Serve on a free port, which is printed, until the standard input ends."""
    server = await asyncio.start_server(Api(manner).serve, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    waiting = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    async with server:
        await waiting


class Loopback:
    """The other end: a started server."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/digits"

    def counts(self) -> dict[str, Any]:
        """`asked`, `worked`, `failed` and `busy`, since it was started."""
        with urllib.request.urlopen(self.url) as answer:
            told: dict[str, Any] = json.load(answer)
        return told

    def asked(self) -> int:
        """How many requests it has had."""
        return sum(self.counts()["asked"].values())


@contextmanager
def started(manner: Manner) -> Iterator[Loopback]:
    """A server in a process of its own, until the block ends."""
    command = [sys.executable, str(Path(__file__)), json.dumps(vars(manner))]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Loopback(int(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.wait()


if __name__ == "__main__":
    asyncio.run(run(Manner(**json.loads(sys.argv[1]))))
