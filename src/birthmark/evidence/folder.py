"""Signing the folder that an audit left."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from birthmark.audit.answers import Recorded, read_answers
from birthmark.audit.result import Result
from birthmark.bundle import read_bundle
from birthmark.common.errors import BirthmarkError, fault_of
from birthmark.common.files import read_bytes
from birthmark.common.jsons import has_few_values
from birthmark.evidence.keys import signer_of
from birthmark.evidence.package import write_evidence
from birthmark.evidence.replay import differing, replay
from birthmark.evidence.signature import sign
from birthmark.evidence.statement import ANSWERS, REPORT
from birthmark.evidence.timestamp import stamper

NAME = "evidence.json"
AGAIN = "audit again"
MAX_RESULT, MAX_VALUES = 16 << 20, 200_000


def sign_audit(
    audit: Path,
    fingerprint: Path,
    key: str,
    *,
    seal_published: str | None = None,
    time_stamp: str | None = None,
    detached: bool = False,
) -> tuple[Path, str]:
    """Write `evidence.json` into an audit's folder.

    Parameters
    ----------
    audit
        The folder, with `result.json` and `answers.safetensors`.
    fingerprint
        The `.birthmark` file.
    key
        See `birthmark.evidence.keys.signer_of`.
    seal_published
        Where and when the seal was published, in words.
    time_stamp
        Address of an RFC 3161 service.
    detached
        Whether to leave fingerprint and answers out.

    Returns
    -------
    tuple
        The file, and the key's name.

    Raises
    ------
    BirthmarkError
        If something is missing, or result, answers and fingerprint do not belong together.
    """
    file = audit / NAME
    if file.exists():
        raise BirthmarkError(file, "exists", "evidence is never replaced; move it away first")
    result, recorded = read_outcome(audit)
    bundle = read_bundle(fingerprint)
    data = read_bytes(fingerprint)
    if result.victim != bundle.manifest.victim or result.method != bundle.manifest.method:
        raise BirthmarkError(audit, "is an audit with another fingerprint", f"not by {fingerprint}")
    if wrong := differing(result, replay(bundle, result, recorded)):
        raise BirthmarkError(
            audit / "result.json",
            f"does not follow from its answers ({', '.join(wrong)})",
            "audit again; nothing was signed",
        )
    signer = signer_of(key)
    evidence = sign(
        result,
        data,
        read_bytes(audit / ANSWERS),
        signer,
        report=read_bytes(report) if (report := audit / REPORT).exists() else None,
        enclose=not detached,
        seal_published=seal_published,
        stamp=None if time_stamp is None else stamper(time_stamp),
    )
    write_evidence(evidence, file)
    return file, signer.public_key.keyid


def read_outcome(audit: Path) -> tuple[Result, Recorded]:
    """The result in an audit's folder, and the answers that it is of.

    Raises
    ------
    BirthmarkError
        If one is missing or broken, or they do not belong together.
    """
    result = read_result(audit / "result.json")
    answers = audit / ANSWERS
    recorded = read_answers(read_bytes(answers), str(answers))
    if recorded.given.outputs.digest != result.answers:
        raise BirthmarkError(answers, "are not the answers that result.json names (digest)", AGAIN)
    return result, recorded


def read_result(path: Path) -> Result:
    """The result in a `result.json`.

    Raises
    ------
    BirthmarkError
        If there is none.
    """
    data = read_bytes(path, MAX_RESULT)
    if not has_few_values(data, MAX_VALUES):
        raise BirthmarkError(path, "has more values than a result can have", AGAIN)
    try:
        return Result.model_validate_json(data)
    except ValidationError as error:
        raise BirthmarkError(path, fault_of(error), AGAIN) from error
