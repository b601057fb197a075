"""Evidence whose signer wishes to deceive: nothing in it is believed that was not checked."""

from __future__ import annotations

import base64
import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow
from securesystemslib import dsse

import world
from birthmark import BirthmarkError, Fingerprint, Image, as_suspect
from birthmark.audit.answers import answers_bytes, read_answers
from birthmark.audit.audit import Audited
from birthmark.bundle import Bundle, archive
from birthmark.common.digests import sha256
from birthmark.evidence import Evidence, sign, verify, write_evidence
from birthmark.evidence.folder import sign_audit
from birthmark.evidence.keys import new_key, signer_of
from birthmark.evidence.package import Envelope, Signature
from birthmark.evidence.statement import ANSWERS, FINGERPRINT
from birthmark.models.adapters.base import LedgerRecord
from birthmark.models.sandbox import Sandboxed
from birthmark.models.sandbox.protections import NO_REACH
from birthmark.report.folder import write_audit
from commands import run

ESCAPE = "\x1b]0;owned\x07\x9b31m\u202e"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("key") / "k"
    new_key(file)
    return str(file)


@pytest.fixture(scope="module")
def made(key: str, sealed: Path) -> Iterator[tuple[Evidence, Audited]]:
    suspect = world.as_digits(world.thief(), name="suspect", lineage="linear")
    audited = Fingerprint.open(sealed).audit_with_answers(suspect)
    answers = answers_bytes(audited.recorded)
    yield sign(audited.result, sealed.read_bytes(), answers, signer_of(key)), audited


def resigned(evidence: Evidence, payload: bytes, key: str) -> Evidence:
    """The same with another statement, whose signature holds."""
    signer = signer_of(key)
    signature = dsse.Envelope(payload, evidence.envelope.payloadType, {}).sign(signer).signature
    text = base64.b64encode(bytes.fromhex(signature)).decode()
    envelope = Envelope(
        payload=base64.b64encode(payload).decode(),
        payloadType=evidence.envelope.payloadType,
        signatures=[Signature(keyid=signer.public_key.keyid, sig=text)],
    )
    return evidence.model_copy(update={"envelope": envelope})


def replaced(old: str, new: str) -> Callable[[str, Any], str]:
    def change(text: str, _: Any) -> str:
        assert old in text, text
        return text.replace(old, new, 1)

    return change


def altered(change: Callable[[Any], object]) -> Callable[[str, Any], str]:
    def changed(_: str, fields: Any) -> str:
        change(fields)
        return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"

    return changed


def subjects(change: Callable[[list[Any]], object]) -> Callable[[str, Any], str]:
    return altered(lambda fields: change(fields["subject"]))


CHANGES: dict[str, Callable[[str, Any], str]] = {
    "a name twice": replaced('"verdict":', '"verdict":"independent","verdict":'),
    "a number as text": replaced('"alpha":0.01', '"alpha":"0.01"'),
    "a number in other digits": replaced('"alpha":0.01', '"alpha":1e-2'),
    "NaN": replaced('"alpha":0.01', '"alpha":NaN'),
    "spaces": replaced('"alpha":', '"alpha": '),
    "another order": lambda _, fields: json.dumps(dict(reversed(fields.items()))) + "\n",
    "no line feed": lambda text, _: text.rstrip("\n"),
    "escaped": replaced('"independent_above"', '"\\u0069ndependent_above"'),
    "a day that is none": altered(
        lambda f: f["predicate"].update(signed_at="2026-02-30T00:00:00Z")
    ),
    "a field of another": altered(lambda f: f["predicate"].update(verdict="derived")),
    "another digest": subjects(lambda s: s[0]["digest"].update(sha256="0" * 64)),
    "another name": subjects(lambda s: s[1].update(name="other.safetensors")),
    "one more": subjects(lambda s: s.append({"name": "x", "digest": {"sha256": "0" * 64}})),
    "one twice": subjects(lambda s: s.append(dict(s[0]))),
    "turned round": subjects(lambda s: s.reverse()),
    "the result's fingerprint": altered(
        lambda f: f["predicate"]["result"].update(fingerprint="sha256:" + "0" * 64)
    ),
    "the suspect's digest": altered(
        lambda f: f["predicate"]["result"]["suspect"].update(digest="sha256:" + "0" * 64)
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_statement_has_one_form_and_is_about_its_result(
    case: str, made: tuple[Evidence, Audited], key: str
) -> None:
    evidence, _ = made
    text = base64.b64decode(evidence.envelope.payload).decode()
    assert verify(resigned(evidence, text.encode(), key), "evidence").passed
    payload = CHANGES[case](text, json.loads(text)).encode()
    done = verify(resigned(evidence, payload, key), "evidence")
    assert [one.name for one in done.checks if one.passed is False] == ["signature"]
    assert done.statement is None


def test_what_was_not_checked_is_said(
    made: tuple[Evidence, Audited], key: str, tmp_path: Path
) -> None:
    evidence, audited = made
    assert evidence.materials is not None
    write_evidence(evidence, tmp_path / "evidence.json")
    stated = run("verify", str(tmp_path / "evidence.json")).stdout
    assert "The signer states this; to recompute it, pass --replay: " in stated
    ledger = LedgerRecord(digest="sha256:" + "0" * 64, calls=3)
    asked = audited.result.model_copy(update={"ledger": ledger})
    files = evidence.materials.files()
    done = verify(sign(asked, files[FINGERPRINT], files[ANSWERS], signer_of(key)), "evidence")
    assert [one.sentence for one in done.checks if one.name == "ledger"] == [
        "To check what was sent to the API and came back, pass its ledger with --ledger."
    ]


def test_a_terminal_obeys_nothing_in_evidence(
    made: tuple[Evidence, Audited], key: str, tmp_path: Path
) -> None:
    """A signer's own words, in sentences that are printed."""
    evidence, audited = made
    assert evidence.materials is not None
    files = evidence.materials.files()
    alike = audited.result.model_copy(update={"method": f"x{ESCAPE}[bold]", "score": 0.25})
    other = sign(alike, files[FINGERPRINT], files[ANSWERS], signer_of(key))
    name = f"e{ESCAPE[:3]}.json"
    write_evidence(other, tmp_path / name)
    said = run("verify", str(tmp_path / name), "--replay", code=3).stdout
    assert "REFUSED" in said
    assert all(one.isprintable() for one in said.splitlines())


def test_an_audit_on_a_system_that_lacks_a_protection_is_signed_and_repeated(
    key: str, sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sandboxed, "missing", [NO_REACH])
    suspect = world.export(world.thief(), tmp_path / "t.onnx")
    fingerprint = Fingerprint.open(sealed)
    audited = fingerprint.audit_with_answers(as_suspect(suspect, world.DECLARED))
    assert any("lacks a protection" in one for one in audited.result.findings)
    write_audit(fingerprint.bundle, audited, tmp_path / "audit")
    monkeypatch.undo()
    file, _ = sign_audit(tmp_path / "audit", sealed, key)
    assert run("verify", str(file), "--replay").stdout.count("REFUSED") == 0
    recorded = read_answers((tmp_path / "audit" / ANSWERS).read_bytes(), ANSWERS)
    assert recorded.ran.unprotected == (NO_REACH,)


def large(side: int) -> bytes:
    buffer = io.BytesIO()
    Pillow.new("L", (side, side)).save(buffer, "PNG")
    return buffer.getvalue()


def of_large_probes(fingerprint: Fingerprint, side: int, path: Path) -> None:
    """The same fingerprint with probes of many pixels in few bytes."""
    bundle = fingerprint.bundle
    data = large(side)
    digest, pixels = sha256(data), Image(data, "x").pixel_digest
    records = [
        one.model_copy(update={"digest": digest, "pixels": pixels, "file": f"{i:05d}.png"})
        for i, one in enumerate(bundle.manifest.probes)
    ]
    manifest = bundle.manifest.model_copy(update={"probes": records})
    probes = [Image(data, one.file, one.label) for one in records]
    archive.write_bundle(Bundle(manifest, probes, bundle.victim, bundle.references), path)


def test_pixels_are_bounded_and_let_go(
    made: tuple[Evidence, Audited],
    fingerprint: Fingerprint,
    key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evidence, audited = made
    assert evidence.materials is not None
    file = tmp_path / "large.birthmark"
    of_large_probes(fingerprint, 1000, file)
    wide = sha256(file.read_bytes())
    manifest = Fingerprint.open(file).manifest
    result = audited.result.model_copy(update={"fingerprint": wide, "victim": manifest.victim})
    answers = evidence.materials.files()[ANSWERS]
    tracemalloc.start()
    done = verify(sign(result, file.read_bytes(), answers, signer_of(key)), "e", repeat=True)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert done.checks[-1].name == "replay"
    assert most < 30e6, "40 probes of a million pixels were kept"
    monkeypatch.setattr(archive, "MAX_PIXELS", 39_000_000)
    with pytest.raises(BirthmarkError, match="holds probes of over 39,000,000 pixels"):
        Fingerprint.open(file)


def test_nothing_is_computed_from_contents_that_do_not_belong_together(
    made: tuple[Evidence, Audited], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence, audited = made
    assert evidence.materials is not None
    files = evidence.materials.files()
    other = audited.result.model_copy(update={"queries": 39})
    monkeypatch.setattr("birthmark.evidence.verification.replay", lambda *_: 1 / 0)
    done = verify(sign(other, files[FINGERPRINT], files[ANSWERS], signer_of(key)), "e", repeat=True)
    assert [one.name for one in done.checks if one.passed is False] == ["contents", "replay"]
    assert "not recomputed" in done.checks[-1].sentence


def test_a_fingerprint_is_signed_for_that_was_audited(
    made: tuple[Evidence, Audited], key: str
) -> None:
    _, audited = made
    with pytest.raises(BirthmarkError, match="belongs to another fingerprint"):
        sign(audited.result, b"other", b"answers", signer_of(key))
