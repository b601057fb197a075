"""Time stamps of a service that both sides trust (RFC 3161, extra `stamp`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from birthmark.common.errors import BirthmarkError
from birthmark.common.files import read_bytes

MAX_RESPONSE = 1 << 20
TIMEOUT = 30.0


def stamper(url: str) -> Callable[[bytes], bytes]:
    """A function from bytes to the RFC 3161 response of the service at `url`.

    Raises
    ------
    BirthmarkError
        When called, if the service cannot be reached or does not grant a stamp.
    """
    client = _library()

    def stamp(data: bytes) -> bytes:
        import httpx

        request = (
            client.TimestampRequestBuilder()
            .data(data)
            .hash_algorithm(client.HashAlgorithm.SHA256)
            .cert_request(cert_request=True)
            .build()
        )
        headers = {"Content-Type": "application/timestamp-query"}
        try:
            reply = httpx.post(url, content=request.as_bytes(), headers=headers, timeout=TIMEOUT)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise BirthmarkError(url, f"gives no time stamp ({error})", "try again") from error
        if reply.status_code != httpx.codes.OK or len(reply.content) > MAX_RESPONSE:
            raise BirthmarkError(
                url, f"gives no time stamp (HTTP {reply.status_code})", "name an RFC 3161 service"
            )
        imprint(reply.content, data, url)
        return reply.content

    return stamp


def imprint(response: bytes, data: bytes, source: str) -> datetime:
    """The time that a response states for `data`; whose response it is, is not checked.

    Raises
    ------
    BirthmarkError
        If it is no response, or one for other data.
    """
    decoded = _decoded(response, source)
    try:
        info = decoded.tst_info
        stated: datetime = info.gen_time
        meant = _hash(info.message_imprint.hash_algorithm.dotted_string, data)
        same = info.message_imprint.message == meant
    except Exception as error:
        raise BirthmarkError(
            source, "its time stamp was not granted or was altered", "get an unaltered copy"
        ) from error
    if not same:
        raise BirthmarkError(
            source, "its time stamp belongs to something else", "get an unaltered copy"
        )
    return stated


def verified(response: bytes, data: bytes, roots: Path, source: str) -> datetime:
    """The time that a response states for `data`, by a service whose root certificate one trusts.

    Parameters
    ----------
    response, data
        The response, and what was stamped.
    roots
        PEM certificates of the service's root, and of what lies between where it sends none.
    source
        How messages call the evidence.

    Raises
    ------
    BirthmarkError
        If it is not such a response.
    """
    from cryptography import x509

    client = _library()
    stated = imprint(response, data, source)
    try:
        certificates = x509.load_pem_x509_certificates(read_bytes(roots, MAX_RESPONSE))
    except ValueError as error:
        raise BirthmarkError(roots, "holds no PEM certificate", "name a PEM file") from error
    builder = client.VerifierBuilder()
    for one in certificates:
        root = one.issuer == one.subject
        builder = (
            builder.add_root_certificate(one) if root else builder.add_intermediate_certificate(one)
        )
    try:
        builder.build().verify_message(_decoded(response, source), data)
    except Exception as error:
        raise BirthmarkError(
            source,
            f"its time stamp does not come from that service ({error})",
            "name the service's own root certificate",
        ) from error
    return stated


def _decoded(response: bytes, source: str) -> Any:
    client = _library()
    try:
        return client.decode_timestamp_response(response)
    except Exception as error:
        raise BirthmarkError(
            source, "its time stamp is not an RFC 3161 response", "get an unaltered copy"
        ) from error


def _hash(oid: str, data: bytes) -> bytes:
    import hashlib

    names = {
        "2.16.840.1.101.3.4.2.1": "sha256",
        "2.16.840.1.101.3.4.2.2": "sha384",
        "2.16.840.1.101.3.4.2.3": "sha512",
    }
    return hashlib.new(names[oid], data).digest()


def _library() -> Any:
    try:
        import rfc3161_client
    except ImportError as error:
        raise BirthmarkError(
            "time stamps", "need the extra `stamp`", "pip install 'birthmark[stamp]'"
        ) from error
    return rfc3161_client
