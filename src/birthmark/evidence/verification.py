"""Checking evidence: who signed it, that nothing was altered, and that it comes out again."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from birthmark.audit.answers import Recorded, read_answers
from birthmark.bundle import Bundle, read_bundle
from birthmark.common.checks import Check, Checked
from birthmark.common.digests import is_canonical, sha256
from birthmark.common.errors import BirthmarkError, fault_of
from birthmark.common.jsons import has_few_values
from birthmark.enrolment.population import counting
from birthmark.evidence import keys, timestamp
from birthmark.evidence.package import Evidence
from birthmark.evidence.replay import differing, of_one_version, replay
from birthmark.evidence.statement import ANSWERS, FINGERPRINT, REPORT, Statement
from birthmark.models.remote.ledger import Ledger

MAX_VALUES = 200_000
"""Values in a statement: a reference takes four."""

if TYPE_CHECKING:
    from securesystemslib.signer import SSlibKey


class Verified(Checked):
    """What came of checking evidence.

    Attributes
    ----------
    statement
        What was signed; None if the signature does not hold.
    """

    statement: Statement | None


def verify(
    evidence: Evidence,
    source: str = "evidence.json",
    *,
    key: SSlibKey | None = None,
    roots: Path | None = None,
    files: Mapping[str, bytes] | None = None,
    repeat: bool = False,
    ledger: Path | None = None,
) -> Verified:
    """Check evidence.

    Parameters
    ----------
    evidence
        See `birthmark.evidence.package.read_evidence`.
    source
        How sentences call it.
    key
        The signer's public key, known from elsewhere; without it the enclosed one is taken, which
        shows that nothing was altered, but not by whom it was signed.
    roots
        Root certificates of the time-stamping service, PEM.
    files
        The fingerprint's and the answers' bytes, by `FINGERPRINT` and `ANSWERS`, where the evidence
        does not enclose them; the report's by `REPORT`.
    repeat
        Whether to compute the result again.
    ledger
        The ledger of an audit of an API.
    """
    enclosed = evidence.materials.files() if evidence.materials is not None else {}
    checks: list[Check] = []
    statement = _signed(evidence, source, key, checks)
    if statement is not None:
        checks.append(_stamped(evidence, source, roots))
        checks += _files(statement, {**enclosed, **(files or {})}, source, repeat)
        if ledger is not None or statement.predicate.result.ledger is not None:
            checks.append(_kept(statement, ledger))
    return Verified(checks=checks, statement=statement)


def _signed(
    evidence: Evidence, source: str, key: SSlibKey | None, checks: list[Check]
) -> Statement | None:
    from securesystemslib import dsse
    from securesystemslib.signer import Signature

    name = "signature"
    try:
        own = keys.public_key(evidence.key.encode(), source)
    except BirthmarkError as error:
        checks.append(Check(name=name, passed=False, sentence=f"{error.problem}."))
        return None
    if keys.pem_of(own) != evidence.key or (key and key.keyid != own.keyid):
        wanted = key.keyid if key else own.keyid
        sentence = f"The enclosed key is {own.keyid}, not {wanted}: someone else signed this."
        checks.append(Check(name=name, passed=False, sentence=sentence))
        return None
    envelope = evidence.envelope
    payload = base64.b64decode(envelope.payload)
    signatures = {
        one.keyid: Signature(one.keyid, base64.b64decode(one.sig).hex())
        for one in envelope.signatures
    }
    try:
        dsse.Envelope(payload, envelope.payloadType, signatures).verify([own], 1)
        if not has_few_values(payload, MAX_VALUES):
            raise ValueError("it has too many parts")
        statement = Statement.model_validate_json(payload)
        if not is_canonical(statement, payload):
            sentence = (
                "The signature holds, but the statement is not written the way statements are."
            )
            checks.append(Check(name=name, passed=False, sentence=sentence))
            return None
    except ValidationError as error:
        sentence = f"The signature holds, but the statement has another form ({fault_of(error)})."
        checks.append(Check(name=name, passed=False, sentence=sentence))
        return None
    except Exception:  # the library's errors are of several types, all of which mean no
        sentence = (
            "The signature does not hold: the statement, the key or the signature was altered."
        )
        checks.append(Check(name=name, passed=False, sentence=sentence))
        return None
    whose = "the key that you named" if key else f"the enclosed key {own.keyid}"
    sentence = f"The statement was signed with {whose} and has not been altered since."
    if not key:
        sentence += (
            " Whose key that is was not checked: pass the signer's public key, from a source you"
            " trust, with --key."
        )
    checks.append(Check(name=name, passed=True, sentence=sentence))
    return statement


def _stamped(evidence: Evidence, source: str, roots: Path | None) -> Check:
    name = "time"
    if evidence.timestamp is None and roots is not None:
        sentence = "There is no time stamp, but --roots asks for one."
        return Check(name=name, passed=False, sentence=sentence)
    if evidence.timestamp is None:
        sentence = "There is no time stamp, so the signer's word is all there is for the date."
        return Check(name=name, passed=None, sentence=sentence)
    response = base64.b64decode(evidence.timestamp)
    signature = base64.b64decode(evidence.envelope.signatures[0].sig)
    try:
        if roots is None:
            stated = timestamp.imprint(response, signature, source)
            sentence = (
                f"A time stamp says {stated:%Y-%m-%d %H:%M:%S} UTC. Who issued it was not"
                " checked: pass the service's root certificate with --roots."
            )
            return Check(name=name, passed=None, sentence=sentence)
        stated = timestamp.verified(response, signature, roots, source)
    except BirthmarkError as error:
        return Check(name=name, passed=False, sentence=f"{error.problem}.")
    sentence = f"It was signed at or before {stated:%Y-%m-%d %H:%M:%S} UTC."
    return Check(name=name, passed=True, sentence=sentence)


def _files(
    statement: Statement, files: Mapping[str, bytes], source: str, repeat: bool
) -> Iterator[Check]:
    stated = {one.name: f"sha256:{one.digest.sha256}" for one in statement.subject}
    for name in (FINGERPRINT, ANSWERS):
        if name not in files:
            sentence = "It is not enclosed; pass --fingerprint and --answers to check it."
            yield Check(name=name, passed=None, sentence=sentence)
        elif sha256(files[name]) != stated.get(name):
            yield Check(
                name=name, passed=False, sentence="It is not the file that the statement names."
            )
        else:
            yield Check(name=name, passed=True, sentence="It is the file that the statement names.")
    yield from _report(files.get(REPORT), stated.get(REPORT))
    if any(sha256(files.get(name, b"")) != stated.get(name) for name in (FINGERPRINT, ANSWERS)):
        if repeat:
            sentence = "This needs the fingerprint and the answers that the statement names."
            yield Check(name="replay", passed=False, sentence=sentence)
        return
    yield from _contents(statement, files, source, repeat)


def _report(given: bytes | None, stated: str | None) -> Iterator[Check]:
    if given is None and stated is not None:
        sentence = "It is not next to the evidence; pass --report to check it."
        yield Check(name=REPORT, passed=None, sentence=sentence)
    elif given is not None:
        right = sha256(given) == stated
        sentence = f"It is {'' if right else 'not '}the report that the statement names."
        yield Check(name=REPORT, passed=right, sentence=sentence)


def _contents(
    statement: Statement, files: Mapping[str, bytes], source: str, repeat: bool
) -> Iterator[Check]:
    try:
        bundle = _bundle(files[FINGERPRINT])
        answers = read_answers(files[ANSWERS], ANSWERS)
    except BirthmarkError as error:
        yield Check(name="contents", passed=False, sentence=f"{error.problem}.")
        return
    alike = _consistent(statement, bundle, answers, sha256(files[FINGERPRINT]))
    yield alike
    for one in statement.predicate.result.witnesses:
        named = ", ".join(f"{what} {digest}" for what, digest in one.sources.items())
        sentence = f"It was not asked again; `birthmark {one.witness}` does that, with {named}."
        yield Check(name=one.witness, passed=None, sentence=sentence)
    if repeat and not alike.passed:
        sentence = "It was not recomputed, since the contents do not belong together."
        yield Check(name="replay", passed=False, sentence=sentence)
    elif repeat:
        yield _repeated(statement, bundle, answers, source)
    else:
        sentence = "To check that the verdict follows from the answers, pass --replay."
        yield Check(name="replay", passed=None, sentence=sentence)


def _bundle(data: bytes) -> Bundle:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FINGERPRINT
        file.write_bytes(data)
        return read_bundle(file)


def _kept(statement: Statement, path: Path | None) -> Check:
    stated = statement.predicate.result.ledger
    if stated is None:
        sentence = "No API was audited, or no ledger was kept."
        return Check(name="ledger", passed=False, sentence=sentence)
    if path is None:
        sentence = "To check what was sent to the API and came back, pass its ledger with --ledger."
        return Check(name="ledger", passed=None, sentence=sentence)
    try:
        with Ledger.open(path) as ledger:
            same = any(ledger.digest(one) == stated.digest for one in ledger.suspects())
    except BirthmarkError as error:
        return Check(name="ledger", passed=False, sentence=f"{error.problem}.")
    sentence = (
        f"It holds the {stated.calls} calls of the audit, unaltered."
        if same
        else "Its contents have changed: it was altered, or the suspect has been asked again since."
    )
    return Check(name="ledger", passed=same, sentence=sentence)


def _consistent(statement: Statement, bundle: Bundle, answers: Recorded, seal: str) -> Check:
    result, manifest = statement.predicate.result, bundle.manifest
    facts = {
        "the fingerprint's seal": (result.fingerprint, seal),
        "the method": (result.method, manifest.method),
        "the victim": (result.victim, manifest.victim),
        "the references": (
            [(one.name, one.lineage) for one in result.references],
            [(one.name, one.lineage) for one in counting(bundle).manifest.references],
        ),
        "the answers' digest": (result.answers, answers.given.outputs.digest),
        "the number of answers": (result.queries, answers.given.asked),
    }
    wrong = [name for name, (said, seen) in facts.items() if said != seen]
    sentence = (
        f"The result belongs to another audit: {', '.join(wrong)} differ."
        if wrong
        else "Fingerprint, answers and result belong together."
    )
    return Check(name="contents", passed=not wrong, sentence=sentence)


def _repeated(statement: Statement, bundle: Bundle, answers: Recorded, source: str) -> Check:
    before = statement.predicate.result
    try:
        after = replay(bundle, before, answers)
    except BirthmarkError as error:
        return Check(name="replay", passed=False, sentence=f"{error.subject}: {error.problem}.")
    wrong = differing(before, after)
    if not wrong:
        sentence = (
            f"{source} comes out the same to the last digit: {after.verdict}, p ="
            f" {after.p_value:.4g}, score {after.score:.9g}."
        )
        if not of_one_version(before, after):
            sentence += (
                " Its findings, assumptions, strength and power are those of another version"
                f" ({before.libraries.get('birthmark')}) and were not compared. This version says: "
                + " ".join([after.sentence, *after.findings, *after.assumptions])
            )
        return Check(name="replay", passed=True, sentence=sentence)
    said = json.dumps({name: getattr(after, name) for name in wrong[:1]}, default=str)[:200]
    sentence = f"It comes out differently: {', '.join(wrong)} ({said})."
    return Check(name="replay", passed=False, sentence=sentence)
