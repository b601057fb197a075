"""What asking costs in time beside the answers of an API that takes 50 ms for each."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.loopback import Loopback, Manner, started

from birthmark.models.remote import Access, Call, Limits, Reply, Unusable, key_of
from birthmark.models.remote.client import Client

SECONDS, EACH, SIZE = 0.05, 40, 3000
AT_ONCE = (1, 4, 8, 16, 32)


@dataclass(frozen=True)
class Run:
    """One run, as multiples of the API's own time where they are ratios."""

    steady: float
    total: float
    start: float
    processor: float


def asked(api: Loopback, concurrency: int) -> Run:
    """Ask by our client, into a new ledger."""
    before = api.counts()
    calls = [
        Call(key_of(str(i)), "POST", api.url, str(i).encode().ljust(SIZE), f"{i}.jpg")
        for i in range(EACH * concurrency)
    ]
    times: list[float] = []

    def accept(_: Call, reply: Reply) -> None:
        if "chances" not in json.loads(reply.body):
            raise Unusable("has no chances")

    def progress(_what: str, done: int, _total: int) -> None:
        if done:
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        limits = Limits(concurrency=concurrency)
        began, processor = time.perf_counter(), time.process_time()
        Client("api", Access(Path(folder) / "l", limits)).fetch(calls, accept, progress)
        total = time.perf_counter() - began
        processor = time.process_time() - processor
    return ratios(times, began, total, processor, api, before["busy"], concurrency)


def ratios(
    times: list[float],
    began: float,
    total: float,
    processor: float,
    api: Loopback,
    busy: float,
    concurrency: int,
) -> Run:
    """Steady: from the answers to the first calls of each connection on, until the last."""
    n = len(times)
    own = (api.counts()["busy"] - busy) / n / concurrency
    first = 2 * concurrency
    return Run(
        (times[-1] - times[first - 1]) / ((n - first) * own),
        total / (n * own),
        times[0] - began - SECONDS,
        processor / n,
    )


def bare(api: Loopback, concurrency: int) -> Run:
    """Send the same bytes over as many connections, and keep nothing."""
    before, times = api.counts(), []
    parts = urlsplit(api.url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {SIZE}\r\n\r\n"
    left = iter(range(EACH * concurrency))

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for i in left:
            writer.write(head.encode() + str(i).encode().ljust(SIZE))
            said = await reader.readuntil(b"\r\n\r\n")
            size = int(said.partition(b"Content-Length: ")[2].partition(b"\r")[0])
            json.loads(await reader.readexactly(size))
            times.append(time.perf_counter())
        writer.close()

    async def all_connections() -> None:
        await asyncio.gather(*(connection() for _ in range(concurrency)))

    began, processor = time.perf_counter(), time.process_time()
    asyncio.run(all_connections())
    total = time.perf_counter() - began
    processor = time.process_time() - processor
    return ratios(times, began, total, processor, api, before["busy"], concurrency)


def section(repeats: int = 5) -> list[str]:
    """The table, as Markdown."""
    lines = [
        "## Overhead",
        "",
        f"`Client.fetch` of {EACH} calls a connection, {SIZE} bytes each, into a new ledger, from"
        " an API that answers after 50 ms over loopback and measures the time that it took itself"
        f" (*own*). Median (smallest to largest) of n = {repeats} runs, in turns with a bare client"
        " that sends the same bytes by asyncio and keeps nothing. *Steady*: from the second answer"
        " of each connection to the last / own; *total*: with the start, over so few calls;"
        " *start*: until the first answer, less 50 ms. *Processor*: time of it that our process"
        " takes for a call.",
        "",
        "| calls at once | ours, steady | bare, steady | ours / bare | ours, total | start |"
        " processor |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    with started(Manner(seconds=SECONDS)) as api:
        asked(api, 4), bare(api, 4)
        for concurrency in AT_ONCE:
            pairs = [(asked(api, concurrency), bare(api, concurrency)) for _ in range(repeats)]
            ours = sorted(one.steady for one, _ in pairs)
            theirs = sorted(one.steady for _, one in pairs)
            times = sorted(a.steady / b.steady for a, b in pairs)
            total = statistics.median(one.total for one, _ in pairs)
            start = statistics.median(one.start for one, _ in pairs)
            processor = statistics.median(one.processor for one, _ in pairs)
            lines.append(
                f"| {concurrency} | {spread(ours)} | {spread(theirs)} | {spread(times)} |"
                f" {total:.2f} | {start:.2f} s | {1000 * processor:.1f} ms |"
            )
            print(lines[-1], flush=True)
    return lines


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.3f} ({values[0]:.3f} to {values[-1]:.3f})"
