"""Calls to the loopback API, and what every answer of it must be."""

from __future__ import annotations

import faulthandler
import json
import sys
from pathlib import Path
from typing import Any

from birthmark.models.remote import Access, Call, Limits, Reply, Unusable, key_of
from birthmark.models.remote.client import Client

SECRET = "sk-0123456789-secret"
IDENTITY = "test api"


def calls(url: str, count: int, headers: dict[str, str] | None = None) -> list[Call]:
    sent = headers or {"Authorization": f"Bearer {SECRET}"}
    return [
        Call(key_of(f"p{i}"), "POST", url, f"p{i}".encode(), f"p{i}.jpg", sent)
        for i in range(count)
    ]


def accept(call: Call, reply: Reply) -> None:
    try:
        said = json.loads(reply.body)
    except ValueError as error:
        raise Unusable("is not JSON") from error
    if said.get("probe") != call.body.decode():
        raise Unusable("says nothing of the probe")


def client(ledger: Path, **limits: Any) -> Client:
    chosen = {"timeout": 5.0, "backoff": 0.01, "concurrency": 4} | limits
    return Client(IDENTITY, Access(ledger, Limits(**chosen)), name="api")


def main() -> None:
    """As a process of its own: ledger, address, how many probes, calls at once."""
    faulthandler.dump_traceback_later(30, exit=True)  # should it hang, tell where
    ledger, url, count, concurrency = sys.argv[1:]
    asking = client(Path(ledger), concurrency=int(concurrency))

    def progress(what: str, done: int, total: int) -> None:
        print(what, done, total, flush=True)

    try:
        answers = asking.fetch(calls(url, int(count)), accept, progress)
    except KeyboardInterrupt as error:
        print(error, flush=True)
        sys.exit(130)
    print("all", len(answers), asking.spent(), flush=True)


if __name__ == "__main__":
    main()
