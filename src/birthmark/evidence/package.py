"""The file `evidence.json`: a signed statement and what it takes to repeat it."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from birthmark.common.digests import canonical_json
from birthmark.common.errors import BirthmarkError, fault_of
from birthmark.common.files import read_bytes, whole_file
from birthmark.common.jsons import has_few_values
from birthmark.evidence.statement import ANSWERS, FINGERPRINT

FIX = "get an unaltered copy"
MAX_VALUES = 100
"""Values in the file; the statement is text in it."""

Base64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]*={0,2}$")]


class Signature(BaseModel):
    """One signature of a DSSE envelope."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keyid: Annotated[str, StringConstraints(max_length=200)]
    sig: Base64


class Envelope(BaseModel):
    """A DSSE envelope (Dead Simple Signing Envelope, protocol v1)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    payload: Base64
    payloadType: Literal["application/vnd.in-toto+json"]  # noqa: N815
    signatures: list[Signature] = Field(min_length=1, max_length=1)


class Materials(BaseModel):
    """The files that the statement is about, so that it can be repeated from the evidence alone.

    Attributes
    ----------
    fingerprint
        The `.birthmark` file, probes included.
    answers
        The suspect's answers, `answers.safetensors`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: Base64
    answers: Base64

    def files(self) -> dict[str, bytes]:
        """The files' bytes, by the names that the statement gives them."""
        return {
            FINGERPRINT: base64.b64decode(self.fingerprint),
            ANSWERS: base64.b64decode(self.answers),
        }


class Evidence(BaseModel):
    """What `evidence.json` holds.

    Attributes
    ----------
    envelope
        The signed statement.
    key
        The public key that verifies it, PEM. It proves that nothing was altered since; whose key it
        is, the file cannot prove.
    materials
        None for evidence whose files are handed over separately.
    timestamp
        An RFC 3161 response over the signature, base64; None for none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["birthmark-evidence/1"] = "birthmark-evidence/1"
    envelope: Envelope
    key: Annotated[str, StringConstraints(max_length=4000)]
    materials: Materials | None
    timestamp: Base64 | None

    def __repr__(self) -> str:
        stamped = "without a time stamp" if self.timestamp is None else "with a time stamp"
        files = "without the files" if self.materials is None else "with fingerprint and answers"
        return (
            f"<Evidence signed with the key {self.envelope.signatures[0].keyid}\n"
            f" {files}, {stamped}; check it with birthmark.verify>"
        )

    def to_bytes(self) -> bytes:
        """The file's bytes: canonical JSON, so that no byte of it is free."""
        return canonical_json(self.model_dump(mode="json"))


def write_evidence(evidence: Evidence, path: Path) -> None:
    """Write it.

    Raises
    ------
    BirthmarkError
        If it can't be written.
    """
    with whole_file(path) as passing:
        passing.write_bytes(evidence.to_bytes())


def read_evidence(path: Path) -> Evidence:
    """Read `evidence.json`; nothing in it is believed yet.

    Raises
    ------
    BirthmarkError
        If the file is missing, too large, foreign, of a later format, or not in the one form in
        which it is written.
    """
    data = read_bytes(path)
    evidence = evidence_of(data, str(path))
    if evidence.to_bytes() != data:
        raise BirthmarkError(path, "is not written the way evidence is", FIX)
    return evidence


def evidence_of(data: bytes, source: str) -> Evidence:
    """Evidence from the file's bytes.

    Raises
    ------
    BirthmarkError
        As `read_evidence`.
    """
    if not has_few_values(data, MAX_VALUES):
        raise BirthmarkError(source, "is not evidence: it has too many parts", FIX)
    try:
        fields: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BirthmarkError(source, "is not JSON: truncated or altered", FIX) from error
    stated = fields.get("format") if isinstance(fields, dict) else None
    if not isinstance(stated, str) or not stated.startswith("birthmark-evidence/"):
        raise BirthmarkError(source, "is not evidence", "name an evidence.json")
    if stated != "birthmark-evidence/1":
        raise BirthmarkError(source, f"has the format {stated}", "update birthmark")
    try:
        evidence = Evidence.model_validate(fields)
        for text in _encoded(evidence):
            if base64.b64encode(base64.b64decode(text, validate=True)).decode() != text:
                raise BirthmarkError(source, "holds base64 in an unusual form", FIX)
    except ValidationError as error:
        raise BirthmarkError(source, fault_of(error), FIX) from error
    except (binascii.Error, ValueError) as error:
        raise BirthmarkError(source, "holds broken base64", FIX) from error
    return evidence


def _encoded(evidence: Evidence) -> list[str]:
    texts = [evidence.envelope.payload, *(one.sig for one in evidence.envelope.signatures)]
    if evidence.timestamp is not None:
        texts.append(evidence.timestamp)
    if evidence.materials is not None:
        texts += [evidence.materials.fingerprint, evidence.materials.answers]
    return texts
