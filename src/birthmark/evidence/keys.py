"""Keys that sign evidence: from a file, from the environment or on a token."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from birthmark.common.errors import BirthmarkError
from birthmark.common.files import cannot_write, read_bytes

if TYPE_CHECKING:
    from securesystemslib.signer import Key, Signer, SSlibKey

MAX_KEY = 1 << 14
HOW = "name a PEM file, env:VARIABLE or hsm:ID?label=TOKEN"
PASSPHRASE = "BIRTHMARK_PASSPHRASE"  # noqa: S105
PIN = "BIRTHMARK_PIN"


def new_key(path: Path) -> str:
    """Write a new Ed25519 key to `path` (PKCS#8, for the owner only) and its public half beside it.

    It is encrypted if the environment holds BIRTHMARK_PASSPHRASE.

    Returns
    -------
    str
        The key's name, as `verify` prints it.

    Raises
    ------
    BirthmarkError
        If one of the files exists or can't be written.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = public_path(path)
    if public == path:
        raise BirthmarkError(path, "is the name of its public half", "name it owner.key")
    private = Ed25519PrivateKey.generate()
    phrase = os.environ.get(PASSPHRASE)
    encryption: Any = (
        serialization.BestAvailableEncryption(phrase.encode())
        if phrase
        else serialization.NoEncryption()
    )
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    for file in (path, public):
        if file.exists():
            raise BirthmarkError(file, "exists", "name another file (keys are never replaced)")
    pem = _pem(private.public_key())
    begun: list[Path] = []
    for file, data, mode in ((path, secret, 0o600), (public, pem, 0o644)):
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            begun.append(file)
            with os.fdopen(handle, "wb") as opened:
                opened.write(data)
                opened.flush()
                os.fsync(handle)
        except OSError as error:
            for one in begun:
                one.unlink(missing_ok=True)
            raise cannot_write(file, error) from error
    return public_key(pem, str(public)).keyid


def public_path(path: Path) -> Path:
    """Where the public half of the key at `path` is."""
    return path.with_suffix(".pub")


def signer_of(spec: str) -> Signer:
    """The signer of a key: `owner.key`, `env:VARIABLE` (PEM) or `hsm:ID?label=TOKEN`.

    A token signs by ECDSA (P-256 or P-384), everything else by the key's own scheme: Ed25519 for
    keys of `new_key`. BIRTHMARK_PASSPHRASE decrypts a file, BIRTHMARK_PIN opens a token whose
    library PYKCS11LIB names.

    Raises
    ------
    BirthmarkError
        If there is no such key, or it cannot be used.
    """
    if spec.startswith("hsm:"):
        return _on_token(spec)
    if spec.startswith("env:"):
        name = spec.removeprefix("env:")
        if name not in os.environ:
            raise BirthmarkError(spec, "is not set in the environment", f"set it, or {HOW}")
        return _of_pem(os.environ[name].encode(), spec)
    return _of_pem(read_bytes(Path(spec), MAX_KEY), spec)


def public_key(pem: bytes, source: str) -> SSlibKey:
    """A public key from PEM.

    Raises
    ------
    BirthmarkError
        If it is none, or of an unknown kind.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    try:
        return SSlibKey.from_crypto(load_pem_public_key(pem))
    except Exception as error:  # OpenSSL's and the wrapper's errors are of many types
        raise BirthmarkError(
            source, "is not a public key in PEM form", "name the .pub file next to the key"
        ) from error


def read_public_key(path: Path) -> SSlibKey:
    """The public key in a PEM file.

    Raises
    ------
    BirthmarkError
        If the file is missing or holds none.
    """
    return public_key(read_bytes(path, MAX_KEY), str(path))


def pem_of(key: Key) -> str:
    """A public key as PEM, always in the same form."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    public = str(key.keyval["public"])
    if key.keytype == "ed25519":
        return _pem(Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))).decode()
    return _pem(load_pem_public_key(public.encode())).decode()


def _of_pem(pem: bytes, source: str) -> Signer:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    phrase = os.environ.get(PASSPHRASE)
    try:
        private: Any = load_pem_private_key(pem, phrase.encode() if phrase else None)
    except TypeError as error:
        problem = "is not encrypted" if phrase else "is encrypted"
        fix = f"unset {PASSPHRASE}" if phrase else f"set {PASSPHRASE}"
        raise BirthmarkError(source, problem, fix) from error
    except Exception as error:
        raise BirthmarkError(
            source, "is not a private key in PEM form, or the passphrase is wrong", HOW
        ) from error
    try:
        return CryptoSigner(private)
    except Exception as error:
        raise BirthmarkError(
            source, "is a kind of key that cannot sign", "make one with `birthmark key`"
        ) from error


def _on_token(spec: str) -> Signer:
    from urllib.parse import parse_qs, urlparse

    from securesystemslib.signer import HSMSigner

    parsed = urlparse(spec)
    pin: Callable[[str], str] = _pin
    try:
        number = int(parsed.path) if parsed.path else None
        label = parse_qs(parsed.query).get("label", [None])[0]
        uri, key = HSMSigner.import_(number, label, pin)
        return HSMSigner.from_priv_key_uri(uri, key, pin)
    except BirthmarkError:
        raise
    except Exception as error:  # the token's library raises types of its own
        raise BirthmarkError(
            spec,
            f"cannot be used ({type(error).__name__}: {error})",
            "install birthmark[token], set PYKCS11LIB to the token's library and name a P-256 key"
            " as hsm:ID?label=TOKEN",
        ) from error


def _pin(_: str) -> str:
    if PIN not in os.environ:
        raise BirthmarkError(PIN, "is not set in the environment", "set it to the token's PIN")
    return os.environ[PIN]


def _pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    pem: bytes = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem
