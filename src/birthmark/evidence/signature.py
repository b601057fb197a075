"""From an audit to signed evidence."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from birthmark.audit.result import Result
from birthmark.common.digests import canonical_json, sha256
from birthmark.common.errors import BirthmarkError
from birthmark.evidence.package import Envelope, Evidence, Materials, Signature
from birthmark.evidence.statement import (
    ANSWERS,
    FINGERPRINT,
    PAYLOAD_TYPE,
    REPORT,
    statement_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from securesystemslib.signer import Signer


def sign(
    result: Result,
    fingerprint: bytes,
    answers: bytes,
    signer: Signer,
    *,
    report: bytes | None = None,
    enclose: bool = True,
    seal_published: str | None = None,
    stamp: Callable[[bytes], bytes] | None = None,
    now: datetime | None = None,
) -> Evidence:
    """Sign an audit.

    Parameters
    ----------
    result
        The audit's result.
    fingerprint
        The `.birthmark` file's bytes.
    answers
        The bytes of `answers.safetensors`.
    signer
        See `birthmark.evidence.keys.signer_of`.
    report
        The bytes of `report.html`, which are signed for and not enclosed.
    enclose
        Whether fingerprint and answers go into the file. Its reader gets the probes then.
    seal_published
        Where and when the seal was published, in words.
    stamp
        From the signature's bytes to an RFC 3161 response (`birthmark.evidence.timestamp.stamper`).
    now
        The time to state; the clock's if not given.

    Raises
    ------
    BirthmarkError
        If the result belongs to another fingerprint, or the key or the time-stamping service fails.
    """
    from securesystemslib import dsse

    from birthmark.evidence.keys import pem_of

    digests = {FINGERPRINT: sha256(fingerprint), ANSWERS: sha256(answers)}
    if report is not None:
        digests[REPORT] = sha256(report)
    if result.fingerprint != digests[FINGERPRINT]:
        raise BirthmarkError(
            "result", "belongs to another fingerprint", "pass the one of the audit"
        )
    statement = statement_of(result, digests, seal_published=seal_published, now=now)
    payload = canonical_json(statement.model_dump(mode="json", by_alias=True))
    envelope = dsse.Envelope(payload, PAYLOAD_TYPE, {})
    signature = bytes.fromhex(envelope.sign(signer).signature)
    return Evidence(
        envelope=Envelope(
            payload=_text(payload),
            payloadType=PAYLOAD_TYPE,
            signatures=[Signature(keyid=signer.public_key.keyid, sig=_text(signature))],
        ),
        key=pem_of(signer.public_key),
        materials=Materials(fingerprint=_text(fingerprint), answers=_text(answers))
        if enclose
        else None,
        timestamp=None if stamp is None else _text(stamp(signature)),
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
