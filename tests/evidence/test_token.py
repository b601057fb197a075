"""A key on a PKCS#11 token, which SoftHSM plays, in processes that it may crash."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from birthmark import Fingerprint
from birthmark.report.folder import write_audit
from evidence.test_evidence import audited_thief

LIBRARY = next(Path("/usr/lib").glob("**/libsofthsm2.so"), None)
pytestmark = pytest.mark.skipif(
    LIBRARY is None
    or shutil.which("softhsm2-util") is None
    or importlib.util.find_spec("pkcs11") is None,
    reason="SoftHSM (Debian: softhsm2) plays the token, by the extra 'token'",
)
PIN = "1234"
MAKE_KEY = f"""
import pkcs11

with pkcs11.lib("{LIBRARY}").get_token(token_label="owner").open(rw=True, user_pin="{PIN}") as s:
    curve = pkcs11.util.ec.encode_named_curve_parameters("secp256r1")
    domain = s.create_domain_parameters(
        pkcs11.KeyType.EC, {{pkcs11.Attribute.EC_PARAMS: curve}}, local=True
    )
    domain.generate_keypair(id=b"\\x02", store=True, label="owner")
"""


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    monkeypatch.setenv("PYKCS11LIB", str(LIBRARY))
    monkeypatch.setenv("BIRTHMARK_PIN", PIN)
    command = f"softhsm2-util --init-token --free --label owner --pin {PIN} --so-pin {PIN}"
    subprocess.run(command.split(), check=True, capture_output=True)
    subprocess.run([sys.executable, "-c", MAKE_KEY], check=True, capture_output=True)
    return "hsm:2?label=owner"


def test_a_token_signs(token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, audited = audited_thief(tmp_path)
    write_audit(Fingerprint.open(file).bundle, audited, tmp_path / "audit")

    def birthmark(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "birthmark", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    signing = ["sign", "audit", "--fingerprint", str(file), "--key", token]
    with monkeypatch.context() as without:
        without.delenv("BIRTHMARK_PIN")
        refused = birthmark(*signing)
    assert refused.returncode == 2
    assert "BIRTHMARK_PIN: is not set in the environment" in refused.stderr
    assert birthmark(*signing).returncode == 0
    assert birthmark("verify", "audit/evidence.json", "--replay").returncode == 0
