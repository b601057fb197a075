"""A key on a PKCS#11 token, which SoftHSM plays."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

from birthmark import BirthmarkError
from birthmark.evidence import sign, verify
from birthmark.evidence.keys import signer_of
from birthmark.recording import answers_bytes
from evidence.test_evidence import audited_thief

LIBRARY = next(Path("/usr/lib").glob("**/libsofthsm2.so"), None)
pytestmark = pytest.mark.skipif(
    LIBRARY is None
    or shutil.which("softhsm2-util") is None
    or importlib.util.find_spec("pkcs11") is None,
    reason="SoftHSM (Debian: softhsm2) plays the token, by the extra 'token'",
)
PIN = "1234"


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    import pkcs11

    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    monkeypatch.setenv("PYKCS11LIB", str(LIBRARY))
    monkeypatch.setenv("BIRTHMARK_PIN", PIN)
    command = f"softhsm2-util --init-token --free --label owner --pin {PIN} --so-pin {PIN}"
    subprocess.run(command.split(), check=True, capture_output=True)
    with pkcs11.lib(str(LIBRARY)).get_token(token_label="owner").open(rw=True, user_pin=PIN) as s:
        curve = pkcs11.util.ec.encode_named_curve_parameters("secp256r1")
        domain = s.create_domain_parameters(
            pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: curve}, local=True
        )
        domain.generate_keypair(id=b"\x02", store=True, label="owner")
    return "hsm:2?label=owner"


def test_a_token_signs(token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, audited = audited_thief(tmp_path)
    signer = signer_of(token)
    evidence = sign(audited.result, file.read_bytes(), answers_bytes(audited.recorded), signer)
    assert verify(evidence, "evidence", repeat=True).passed
    monkeypatch.delenv("BIRTHMARK_PIN")
    with pytest.raises(BirthmarkError, match="BIRTHMARK_PIN: is not in the environment"):
        sign(audited.result, file.read_bytes(), answers_bytes(audited.recorded), signer)
