"""Servers as they are: keys, hosts, certificates, FP16, binary answers, odd shapes, redirects."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import world
from birthmark import BirthmarkError, Image
from birthmark.models.adapters.api import ApiSuspect
from birthmark.models.adapters.lookup import open_suspect
from birthmark.models.remote import Access, Limits

PROBES = [world.image_set()[i] for i in range(3)]
DECLARED = world.DECLARED | {"layout": "flat", "output": "logits"}


def described(name: str) -> Any:
    kind, inputs, outputs = "FP32", [-1, 64], [-1, 10]
    if name == "empty":
        return {"name": name, "inputs": [], "outputs": []}
    if name == "untold":
        return {"versions": ["1"], "platform": ""}
    if name == "fp16":
        kind = "FP16"
    if name == "no-batch":
        inputs, outputs = [64], [10]
    if name == "eight":
        inputs, outputs = [8, 64], [8, 10]
    return {
        "name": name,
        "inputs": [{"name": "input", "datatype": kind, "shape": inputs}],
        "outputs": [{"name": "scores", "datatype": kind, "shape": outputs}],
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def allowed(self, model: str) -> bool:
        if model == "key" and self.headers["Authorization"] != "Bearer let-me-in":
            self.say(401, b'{"error": "no token"}')
            return False
        if model == "host" and self.headers["Host"] != "digits.example.com":
            self.say(404, b"")
            return False
        return True

    def do_GET(self) -> None:
        model = self.path.split("/")[3]
        if model == "moved" and not self.path.endswith("/"):
            self.say(307, b"", Location=self.path + "/")
        elif model == "elsewhere":
            self.say(302, b"", Location="https://login.example.com/?next=x")
        elif self.allowed(model):
            self.say(200, json.dumps(described(model)).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = self.headers["Inference-Header-Content-Length"]
        if self.path == "/nested":
            asked = json.loads(body)
            rows = np.array(asked["instances"]).reshape(1, -1)
            words = {"tags": [{"name": "a", "score": "97.5%"}, {"name": "b", "score": " 0.025"}]}
            self.say(200, json.dumps({"scores": self.logits(rows)[0].tolist()} | words).encode())
            return
        if self.path == "/away":
            self.say(308, b"", Location="https://other.example.com/v1?key=hush")
            return
        model = self.path.split("/")[3]
        if not self.allowed(model):
            return
        asked = json.loads(body[: int(head)] if head else body)
        (tensor,) = asked["inputs"]
        if model == "fp16":
            assert tensor["parameters"]["binary_data_size"] == 128
            rows = np.frombuffer(body[int(head) :], "<f2").astype(np.float64)
        else:
            rows = np.array(tensor["data"], np.float64)
        shape = tensor["shape"]
        assert shape == {"no-batch": [64], "eight": [8, 64]}.get(model, [1, 64])
        said = self.logits(rows.reshape(-1, 64))
        out: dict[str, Any] = {"name": "scores", "datatype": "FP32", "shape": list(said.shape)}
        if model in ("binary", "fp16"):
            raw = said.astype("<f2" if model == "fp16" else "<f4").tobytes()
            out |= {"parameters": {"binary_data_size": len(raw)}}
            out["datatype"] = "FP16" if model == "fp16" else "FP32"
            first = json.dumps({"model_name": model, "outputs": [out]}).encode()
            self.say(200, first + raw, Inference_Header_Content_Length=str(len(first)))
            return
        out["data"] = said.ravel().tolist()
        self.say(200, json.dumps({"outputs": [out]}).encode())

    def logits(self, rows: Any) -> Any:
        return world.victim().decision_function(rows)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    yield from served()


def served(context: ssl.SSLContext | None = None) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http{'s' if context else ''}://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def expected() -> Any:
    pixels = np.stack([probe.pixels[..., 0] for probe in PROBES])
    return world.victim().decision_function(world.flat(pixels))


def access(folder: Path, **reach: Any) -> Access:
    return Access(folder / "a.ledger", Limits(attempts=1, timeout=5), **reach)


@pytest.mark.parametrize(
    "model", ["plain", "fp16", "empty", "untold", "no-batch", "eight", "binary", "moved"]
)
def test_a_server_is_asked_as_it_describes_itself(model: str, url: str, tmp_path: Path) -> None:
    suspect = open_suspect(f"{url}/v2/models/{model}", DECLARED, access=access(tmp_path))
    said = suspect.answer(PROBES)
    assert np.allclose(said.values, expected(), atol=0.02 if model == "fp16" else 1e-4)


def test_a_server_wants_a_key_or_a_host(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BirthmarkError, match=r"status 401.*headers Authorization=NAME"):
        open_suspect(f"{url}/v2/models/key", DECLARED, access=access(tmp_path))
    with pytest.raises(BirthmarkError, match=r"status 404.*headers Host=NAME"):
        open_suspect(f"{url}/v2/models/host", DECLARED, access=access(tmp_path))
    keyed = access(tmp_path, headers=(("Authorization", "A_KEY"), ("Host", "A_HOST")))
    with pytest.raises(BirthmarkError, match="A_KEY, which is not set"):
        open_suspect(f"{url}/v2/models/key", DECLARED, access=keyed)
    monkeypatch.setenv("A_KEY", "Bearer let-me-in")
    monkeypatch.setenv("A_HOST", "digits.example.com")
    for model in ("key", "host"):
        suspect = open_suspect(f"{url}/v2/models/{model}", DECLARED, access=keyed)
        assert isinstance(suspect, ApiSuspect)
        assert np.allclose(suspect.answer(PROBES).values, expected(), atol=1e-4)
    assert b"let-me-in" not in (tmp_path / "a.ledger").read_bytes()
    monkeypatch.setenv("A_HOST", "other.example.com")
    other = open_suspect(f"{url}/v2/models/plain", DECLARED, access=keyed)
    assert isinstance(suspect, ApiSuspect) and isinstance(other, ApiSuspect)
    assert other.dry_run(PROBES).known == 0
    assert suspect.again(0).dry_run(PROBES).known == 0, "another host is another model"


def test_redirects_are_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(BirthmarkError, match=r"redirects to 'https://login\.example\.com/'"):
        open_suspect(f"{url}/v2/models/elsewhere", DECLARED, access=access(tmp_path))
    text = 'form = "raw"\n[answer]\nkind = "logits"\npath = "$.scores"'
    with pytest.raises(BirthmarkError, match=r"308 .*: to https://other\.example\.com/v1"):
        template(tmp_path, f"{url}/away", text).answer(PROBES)


def template(folder: Path, url: str, text: str) -> Any:
    file = folder / "x.api.toml"
    file.write_text(f'format = "birthmark-api/1"\nurl = "{url}"\n[image]\n{text}')
    return open_suspect(str(file), access=access(folder))


@pytest.mark.parametrize(
    ("body", "layout"),
    [('{ instances = ["{image}"] }', "nchw"), ('{ instances = "{image.flat}" }', "flat")],
)
def test_templates_send_numbers(body: str, layout: str, url: str, tmp_path: Path) -> None:
    more = f'layout = "{layout}"'
    text = f"""form = "numbers"
body = {body}
input = {{ size = [8, 8], channels = 1, range = [0, 1], mean = [0.5], std = [0.25], {more} }}
[answer]
kind = "logits"
path = "$.scores"
"""
    suspect = template(tmp_path, f"{url}/nested", text)
    assert np.allclose(suspect.answer(PROBES).values, expected(), atol=1e-4)
    assert suspect.description.declaration.layout == layout


def test_scores_in_text_are_numbers_and_a_label_may_stand_for_two_classes(
    url: str, tmp_path: Path
) -> None:
    text = """form = "numbers"
body = { instances = "{image.flat}" }
input = { size = [8, 8], channels = 1, range = [0, 1], mean = [0.5], std = [0.25] }
[answer]
kind = "top-k"
labels_path = "$.tags[*].name"
scores_path = "$.tags[*].score"
"""
    one = template(tmp_path, f"{url}/nested", text + 'classes = ["a", "b", "c"]')
    assert np.allclose(one.answer(PROBES[:1]).values, [[0.975, 0.025, 0]])
    merged = template(tmp_path, f"{url}/nested", text + 'classes = ["a", "b", "a"]\nmerge = true')
    assert np.allclose(merged.answer(PROBES[:1]).values, [[0.4875, 0.025, 0.4875]])


def certificate(folder: Path) -> Path:
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return folder / "cert.pem"


def test_a_self_signed_server_is_trusted_by_its_file(tmp_path: Path) -> None:
    cert = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, tmp_path / "key.pem")
    text = """form = "numbers"
body = { instances = "{image.flat}" }
input = { size = [8, 8], channels = 1, range = [0, 1], mean = [0.5], std = [0.25] }
[answer]
kind = "logits"
path = "$.scores"
"""
    for url in served(context):
        with pytest.raises(BirthmarkError, match=r"self-signed .* pass ca_file=FILE"):
            open_suspect(f"{url}/v2/models/plain", DECLARED, access=access(tmp_path))
        with pytest.raises(BirthmarkError, match=r"if it is self-signed .* pass ca_file=FILE"):
            template(tmp_path, f"{url}/nested", text).answer(PROBES)
        trusted = access(tmp_path, ca_file=cert)
        for spec, fields in (
            (f"{url}/v2/models/plain", DECLARED),
            (str(tmp_path / "x.api.toml"), None),
        ):
            said = open_suspect(spec, fields, access=trusted).answer(PROBES)
            assert np.allclose(said.values, expected(), atol=1e-4)
    with pytest.raises(BirthmarkError, match=r"key\.pem: holds no certificates"):
        access(tmp_path, ca_file=tmp_path / "key.pem")


def test_zeros_stand_for_what_was_not_told(tmp_path: Path) -> None:
    probes = [Image(b"", f"{i}.png") for i in range(2)]
    (tmp_path / "a.csv").write_text("probe,a,b,c,d\n0.png,0.7,0.2,0,0\n1.png,0,0.5,0,0.4\n")
    said = open_suspect(str(tmp_path / "a.csv"), {"output": "probabilities"}).answer(probes)
    assert np.allclose(said.values, [[0.7, 0.2, 0.05, 0.05], [0.05, 0.5, 0.05, 0.4]])
    (tmp_path / "a.csv").write_text("probe,a,b,c,d\n0.png,0.3,0.1,0,0\n1.png,0,0.5,0,0.4\n")
    with pytest.raises(BirthmarkError, match=r"sum to 0\.4"):
        open_suspect(str(tmp_path / "a.csv"), {"output": "probabilities"})
