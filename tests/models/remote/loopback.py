"""An API on this machine that can misbehave in every way we know of."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    """One request as the service got it."""

    probe: str
    idempotency: str
    at: float
    headers: dict[str, str]


Act = Callable[["Handler", str], None]


@dataclass
class Service:
    """Answers `{"probe": its body}`, unless `act` says otherwise for a probe's nth time."""

    act: Callable[[str, int], Act] = lambda _probe, _nth: fine
    asked: list[Asked] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""
    most_at_once: int = 0
    at_once: int = 0

    def probes(self) -> Counter[str]:
        """How often each probe was asked."""
        return Counter(one.probe for one in self.asked)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service
    timeout = 20

    def do_POST(self) -> None:
        probe = self.rfile.read(int(self.headers["content-length"])).decode()
        service = self.service
        with service.lock:
            headers = {name.lower(): value for name, value in self.headers.items()}
            key = headers.get("idempotency-key", "")
            service.asked.append(Asked(probe, key, time.monotonic(), headers))
            nth = service.probes()[probe]
            service.at_once += 1
            service.most_at_once = max(service.most_at_once, service.at_once)
        try:
            service.act(probe, nth)(self, probe)
        except OSError:
            self.close_connection = True
        finally:
            with service.lock:
                service.at_once -= 1

    def log_message(self, *_: Any) -> None:
        pass

    def say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def fine(handler: Handler, probe: str) -> None:
    handler.say(200, json.dumps({"probe": probe}).encode())
    with handler.service.lock:
        handler.service.answered[probe] += 1


def cookie(handler: Handler, probe: str) -> None:
    handler.say(200, json.dumps({"probe": probe}).encode(), Set_Cookie="id=1; Path=/")


def after(seconds: float, act: Act = fine) -> Act:
    def acting(handler: Handler, probe: str) -> None:
        time.sleep(seconds)
        act(handler, probe)

    return acting


def status(code: int, body: bytes = b"no", **headers: str) -> Act:
    return lambda handler, _probe: handler.say(code, body, **headers)


def echo(handler: Handler, _probe: str) -> None:
    said = json.dumps({"path": handler.path, **handler.headers}).encode()
    handler.say(200, said)


def reset(handler: Handler, _probe: str) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    raise OSError


def short(handler: Handler, _probe: str) -> None:
    """A body shorter than promised."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"probe": ')
    handler.close_connection = True


def truncated(handler: Handler, _probe: str) -> None:
    """JSON that ends early, in an answer that is whole."""
    handler.say(200, b'{"probe": ')


def wrong(handler: Handler, _probe: str) -> None:
    handler.say(200, b'{"error": "overloaded"}')


def garbage(handler: Handler, _probe: str) -> None:
    handler.wfile.write(b"\x00\x01 what\r\n\r\n")
    handler.close_connection = True


def silent(handler: Handler, _probe: str) -> None:
    time.sleep(2.0)
    handler.close_connection = True


def drip(handler: Handler, _probe: str) -> None:
    """A byte at a time, each in time, never done."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(60):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)
    handler.close_connection = True


def endless(handler: Handler, _probe: str) -> None:
    """17 MiB."""
    handler.say(200, b" " * (17 << 20))


def bomb(handler: Handler, _probe: str) -> None:
    """Zeros that are 17 MiB once inflated."""
    import zlib

    handler.say(200, zlib.compress(bytes(17 << 20)), Content_Encoding="deflate")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        pass


@contextmanager
def serving(act: Callable[[str, int], Act] | None = None) -> Iterator[Service]:
    """A service on a free port."""
    service = Service() if act is None else Service(act)
    handler = type("Bound", (Handler,), {"service": service})
    server = _Server(("127.0.0.1", 0), handler)
    service.url = f"http://127.0.0.1:{server.server_port}/v2"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
