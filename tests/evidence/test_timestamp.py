"""Time stamps by a service of our own, which openssl plays."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from birthmark import BirthmarkError
from birthmark.audit.answers import answers_bytes
from birthmark.evidence import sign, timestamp, verify
from birthmark.evidence.keys import new_key, signer_of
from birthmark.evidence.statement import ANSWERS, FINGERPRINT
from birthmark.evidence.timestamp import stamper
from evidence.test_evidence import audited_thief

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl plays the time-stamping service")
CONFIGURATION = """
[req]
distinguished_name = name
[name]
[tsa]
default_tsa = service
[service]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
[stamping]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
"""


class Service:
    """A time-stamping authority with its own root, over loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.more = ""
        (folder / "serial").write_text("01\n")
        (folder / "openssl.cnf").write_text(CONFIGURATION.format(folder=folder))
        self.root = folder / "root.pem"
        self._run(
            "req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 9"
            " -subj /CN=root -config openssl.cnf -extensions root"
        )
        self._run(
            "req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=tsa"
            " -config openssl.cnf"
        )
        self._run(
            "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -days 9"
            " -out tsa.pem -extfile openssl.cnf -extensions stamping"
        )
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(service.reply(query))

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def reply(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        self._run(
            "ts -reply -queryfile query -signer tsa.pem -inkey tsa.key -config openssl.cnf"
            " -out reply" + self.more
        )
        return (self.folder / "reply").read_bytes()

    def _run(self, command: str) -> None:
        assert OPENSSL is not None
        subprocess.run(
            [OPENSSL, *command.split()], cwd=self.folder, check=True, capture_output=True
        )


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("tsa"))
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_stamp_is_of_the_signature(service: Service, tmp_path: Path) -> None:
    new_key(tmp_path / "k")
    file, audited = audited_thief(tmp_path)
    evidence = sign(
        audited.result,
        file.read_bytes(),
        answers_bytes(audited.recorded),
        signer_of(str(tmp_path / "k")),
        stamp=stamper(service.url),
    )
    assert evidence.materials is not None
    unchecked = verify(evidence, "evidence").checks[1]
    assert unchecked.passed is None
    assert "Who issued it was not checked" in unchecked.sentence
    assert verify(evidence, "evidence", roots=service.root).checks[1].passed
    bare = evidence.model_copy(update={"timestamp": None})
    assert verify(bare, "evidence").passed
    assert verify(bare, "evidence", roots=service.root).checks[1].passed is False
    other = Service(tmp_path)
    foreign = verify(evidence, "evidence", roots=other.root).checks[1]
    other.server.shutdown()
    other.server.server_close()
    assert foreign.passed is False
    assert "not come from that service" in foreign.sentence
    again = sign(
        audited.result,
        evidence.materials.files()[FINGERPRINT],
        evidence.materials.files()[ANSWERS],
        signer_of(str(tmp_path / "k")),
        seal_published="elsewhere",
    )
    moved = verify(again.model_copy(update={"timestamp": evidence.timestamp}), "evidence")
    assert moved.checks[1].passed is False
    assert "to something else" in moved.checks[1].sentence


def test_no_byte_of_a_stamp_can_be_changed(service: Service) -> None:
    """Whatever is altered in it, it is refused, or says the same of the same signature."""
    data = b"a signature"
    response = stamper(service.url)(data)
    stated = timestamp.verified(response, data, service.root, "e")
    year = response.index(f"{stated:%Y%m%d%H%M%S}".encode())
    places = [*range(year, year + 14), *range(0, len(response), 97)]
    taken = []
    for place in places:
        changed = bytearray(response)
        changed[place] ^= 1
        try:
            again = timestamp.verified(bytes(changed), data, service.root, "e")
        except BirthmarkError:
            continue
        taken.append((place, again == stated))
    assert all(same for _, same in taken), taken
    assert not [place for place, _ in taken if year <= place < year + 14]


def test_a_stamp_of_another_service_is_not_made_good_by_certificates_in_it(
    service: Service, tmp_path: Path
) -> None:
    """Another's stamp that encloses the certificate of the one that is trusted.

    openssl does not sort the two, and what is in another order than theirs is no response at all.
    """
    other = Service(tmp_path)
    shutil.copy(service.folder / "tsa.pem", tmp_path / "trusted.pem")
    other.more = " -chain trusted.pem"
    try:
        with pytest.raises(
            BirthmarkError, match=r"not come from that service|is not an RFC 3161 response"
        ):
            timestamp.verified(stamper(other.url)(b"x"), b"x", service.root, "e")
    finally:
        other.server.shutdown()
        other.server.server_close()


def test_what_is_no_service_is_named() -> None:
    with pytest.raises(BirthmarkError, match="gives no time stamp"):
        stamper("http://127.0.0.1:9/")(b"x")
    with pytest.raises(BirthmarkError, match="gives no time stamp"):
        stamper("nonsense")(b"x")
