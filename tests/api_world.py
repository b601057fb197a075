"""A small server in a thread that answers about digits in every protocol that there is."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from email.policy import HTTP
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

import world
from birthmark import Image
from birthmark.models.remote import Access, Limits

FORM = """format = "birthmark-api/1"
url = "{url}"
"""


class Api(ThreadingHTTPServer):
    """A linear model of digits; what it was asked is in `posts` (path, headers, body)."""

    daemon_threads = True

    def __init__(self, model: Any) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model = model
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.gets: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def logits(self, data: bytes) -> NDArray[np.float64]:
        pixels = Image(data, "sent").pixels[None, ..., 0]
        return self.of_inputs(world.flat(pixels))

    def of_inputs(self, inputs: Any) -> NDArray[np.float64]:
        row = np.array(inputs, dtype=np.float64).reshape(1, -1)
        said: NDArray[np.float64] = self.model.decision_function(row)[0]
        return said

    def described(self, path: str) -> object | None:
        shapes = {
            "digits": ("FP32", [-1, 1, 8, 8]),
            "files": ("BYTES", [1]),
            "flat": ("UINT8", [-1, 64]),
        }
        name = path.removeprefix("/v2/models/").removesuffix("/versions/1")
        if not path.startswith("/v2/models/") or name not in shapes:
            return None
        kind, shape = shapes[name]
        outputs = [("logits", [-1, 10]), ("label", [-1, 1])]
        return {
            "name": name,
            "platform": "linear",
            "inputs": [{"name": "image", "datatype": kind, "shape": shape}],
            "outputs": [{"name": n, "datatype": "FP32", "shape": s} for n, s in outputs],
        }

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, object]:
        if path.startswith("/v2/"):
            return 200, self._tensors(json.loads(body))
        if path.startswith("/v1/"):
            (one,) = json.loads(body)["instances"]
            said = self.logits(unpacked(one["b64"])) if "b64" in one else self.of_inputs(one)
            row: object = said.tolist()
            if "several" in path:
                row = {"logits": row, "label": int(said.argmax())}
            return 200, {"predictions": [row]}
        if path == "/compare":
            asked = json.loads(body)
            return 200, {"score": 100 * self.alike(asked["a"], asked["b"])}
        if path == "/apart":
            asked = json.loads(body)
            return 200, {"distance": 1 - self.alike(asked["a"], asked["b"])}
        if path.startswith("/faces"):
            nothing = crc32(body) % 4 == 0
            points = self.logits(body).tolist()
            if path == "/faces/null":
                return 200, {"embedding": None if nothing else points}
            if path == "/faces/missing":
                return 200, {"message": "no face"} if nothing else {"embedding": points}
            return 200, {"faces": [] if nothing else [{"embedding": points}]}
        files = parts(headers, body) if path == "/form" else {"image": body}
        if path == "/json":
            files = {"image": unpacked(json.loads(body)["image"]["content"])}
        logits = self.logits(files["image"])
        chances = np.exp(logits - logits.max())
        chances /= chances.sum()
        best = np.argsort(-chances)[:3]
        if path == "/picky" and chances.max() < 0.6:
            return 200, {"error": {"code": "NoDigit"}}
        return 200, {
            "logits": logits.tolist(),
            "scores": {f"digit {i}": p for i, p in enumerate(chances)},
            "tags": [{"name": f"digit {i}", "percent": 100 * chances[i]} for i in best],
            "label": f"digit {best[0]}",
        }

    def _tensors(self, asked: Any) -> object:
        (tensor,) = asked["inputs"]
        data = tensor["data"]
        if tensor["datatype"] == "BYTES":
            said = self.logits(unpacked(data[0]))
        elif tensor["datatype"] == "UINT8":
            said = self.of_inputs(world.flat(np.array(data, np.uint8).reshape(1, 8, 8)))
        else:
            said = self.of_inputs(data)
        known = {"logits": said.tolist(), "label": [int(said.argmax())]}
        names = [one["name"] for one in asked["outputs"]]
        return {
            "outputs": [
                {"name": n, "datatype": "FP32", "shape": [1, len(known[n])], "data": known[n]}
                for n in names
            ]
        }

    def alike(self, first: str, second: str) -> float:
        a, b = (self.logits(unpacked(one)) for one in (first, second))
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


class _Handler(BaseHTTPRequestHandler):
    server: Api
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.gets.append(self.path)
        document = self.server.described(self.path)
        self._say(*((404, {"error": "no such model"}) if document is None else (200, document)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.posts.append((self.path, headers, body))
        self._say(*self.server.answer(self.path, headers, body))

    def _say(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def unpacked(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def parts(headers: dict[str, str], body: bytes) -> dict[str, bytes]:
    """The parts of a form."""
    head = f"Content-Type: {headers['content-type']}\r\n\r\n".encode()
    found: dict[str, bytes] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found[str(part.get_param("name", header="content-disposition"))] = content
    return found


@cache
def shared() -> Api:
    """A server of the victim that lasts as long as the tests do."""
    server = Api(world.victim())
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


@contextmanager
def serving(model: Any) -> Iterator[Api]:
    server = Api(model)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def access(folder: Path, **limits: Any) -> Access:
    return Access(folder / "answers.ledger", Limits(**limits))


def form(folder: Path, url: str, text: str) -> str:
    """A file that describes an API."""
    file = folder / "digits.api.toml"
    file.write_text(FORM.format(url=url) + text)
    return str(file)


CLASSES = f"classes = {[f'digit {i}' for i in range(10)]}"
FORMS = {
    "multipart, logits": ("/form", """
        [image]
        form = "multipart"
        fields = { model = "v3" }
        [answer]
        kind = "logits"
        path = "$.logits"
    """),
    "base64, logits one by one": ("/json", """
        [image]
        form = "base64"
        body = { image = { content = "{image}" }, top = 3 }
        [answer]
        kind = "logits"
        path = "$.logits[*]"
    """),
    "raw, logits": ("/raw", """
        [image]
        form = "raw"
        [answer]
        kind = "logits"
        path = "$.logits"
    """),
}  # fmt: skip
