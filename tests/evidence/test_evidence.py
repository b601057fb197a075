"""Signed evidence: it is verified, repeated, and no byte of it can be changed."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import world
from birthmark import BirthmarkError
from birthmark.audit.answers import answers_bytes, read_answers
from birthmark.audit.audit import Audited
from birthmark.audit.rule import Rule
from birthmark.bundle import read_bundle
from birthmark.calibration import Prediction
from birthmark.calibration.population import Fit
from birthmark.common.digests import canonical_json
from birthmark.evidence import Evidence, read_evidence, sign, verify, write_evidence
from birthmark.evidence.folder import sign_audit
from birthmark.evidence.keys import new_key, public_key, read_public_key, signer_of
from birthmark.evidence.package import evidence_of
from birthmark.evidence.replay import differing, replay
from birthmark.evidence.statement import ANSWERS, FINGERPRINT, REPORT
from birthmark.report.folder import write_audit


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Evidence, Path]]:
    folder = tmp_path_factory.mktemp("evidence")
    new_key(folder / "owner.key")
    fingerprint, audited = audited_thief(folder)
    evidence = sign(
        audited.result,
        fingerprint.read_bytes(),
        answers_bytes(audited.recorded),
        signer_of(str(folder / "owner.key")),
        seal_published="the company's gazette, 2026-01-01",
    )
    write_evidence(evidence, folder / "evidence.json")
    yield evidence, folder


def audited_thief(folder: Path, **options: Any) -> tuple[Path, Audited]:
    from birthmark import Fingerprint

    file = folder / "v.birthmark"
    world.fingerprint_of_digits().save(file)
    suspect = world.as_digits(world.thief(), name="suspect", lineage="linear")
    return file, Fingerprint.open(file).audit_with_answers(suspect, **options)


def test_it_is_verified_and_repeated_from_the_file_alone(made: tuple[Evidence, Path]) -> None:
    _, folder = made
    done = verify(read_evidence(folder / "evidence.json"), "evidence.json", repeat=True)
    assert done.passed
    assert {one.name: one.passed for one in done.checks} == {
        "signature": True,
        "time": None,
        FINGERPRINT: True,
        ANSWERS: True,
        "contents": True,
        "replay": True,
    }
    assert done.statement is not None
    assert done.statement.predicate.seal_published == "the company's gazette, 2026-01-01"
    assert done.statement.predicate.result.verdict == "derived"


def test_a_stopped_audit_is_repeated_too(tmp_path: Path) -> None:
    new_key(tmp_path / "k")
    file, audited = audited_thief(tmp_path, stop_early=True)
    assert audited.result.looks is not None
    signer = signer_of(str(tmp_path / "k"))
    evidence = sign(audited.result, file.read_bytes(), answers_bytes(audited.recorded), signer)
    assert verify(evidence, "evidence", repeat=True).passed


def test_an_audit_of_a_noisy_suspect_is_repeated_too(tmp_path: Path) -> None:
    from birthmark import Fingerprint

    file, _ = audited_thief(tmp_path)
    rng = np.random.default_rng(0)
    model = world.thief()
    suspect = world.answering(
        lambda x: model.decision_function(x.reshape(len(x), -1)) + rng.normal(size=(len(x), 10))
    )
    audited = Fingerprint.open(file).audit_with_answers(suspect)
    assert any("adds noise" in one for one in audited.result.findings)
    new_key(tmp_path / "k")
    signer = signer_of(str(tmp_path / "k"))
    evidence = sign(audited.result, file.read_bytes(), answers_bytes(audited.recorded), signer)
    assert verify(evidence, "evidence", repeat=True).passed


@pytest.mark.parametrize("seed", range(4))
def test_no_byte_of_it_can_be_changed(made: tuple[Evidence, Path], seed: int) -> None:
    """The benchmark changes 10,000; the signature's surroundings are changed more often here."""
    evidence, _ = made
    data = evidence.to_bytes()
    rng = np.random.default_rng(seed)
    around = data.index(b'"key"')
    for near in (slice(0, len(data)), slice(around, around + 400), slice(len(data) - 400, None)):
        for place in rng.integers(*near.indices(len(data))[:2], size=8):
            changed = bytearray(data)
            changed[place] ^= int(rng.integers(1, 256))
            assert refused(bytes(changed)), place


def refused(data: bytes) -> bool:
    try:
        evidence = evidence_of(data, "evidence")
    except BirthmarkError:
        return True
    return evidence.to_bytes() != data or not verify(evidence, "evidence").passed


def test_another_key_is_not_the_signers(made: tuple[Evidence, Path], tmp_path: Path) -> None:
    evidence, folder = made
    new_key(tmp_path / "other.key")
    own, other = (read_public_key(file) for file in (folder / "owner.pub", tmp_path / "other.pub"))
    assert verify(evidence, "evidence", key=own).passed
    done = verify(evidence, "evidence", key=other)
    assert not done.passed
    assert done.statement is None
    assert "someone else signed this" in done.checks[0].sentence


FORGED: dict[str, Any] = {
    "score": 0.0,
    "rule": Rule.RANK,
    "prediction": Prediction(
        lineage="own", centre=1, spread=0.1, deviations=-9, degrees=3, p_value=0.001
    ),
    "population": Fit(times=1, high=0.5, low=0.5, usual=0.5),
    "as_close": 3,
    "alpha": 0.05,
}


@pytest.mark.parametrize("field", FORGED)
def test_a_forged_result_is_refused_by_replay(made: tuple[Evidence, Path], field: str) -> None:
    """Even its signer cannot state another result than comes out."""
    evidence, folder = made
    assert evidence.materials is not None
    files = evidence.materials.files()
    statement = verify(evidence, "evidence").statement
    assert statement is not None
    forged = statement.predicate.result.model_copy(update={field: FORGED[field]})
    signer = signer_of(str(folder / "owner.key"))
    done = verify(sign(forged, files[FINGERPRINT], files[ANSWERS], signer), "evidence", repeat=True)
    assert [one.name for one in done.checks if one.passed is False] == ["replay"]


def test_an_audit_by_rank_is_repeated_by_rank(tmp_path: Path) -> None:
    file, audited = audited_thief(tmp_path, rule=Rule.RANK, alpha=0.05)
    assert audited.result.verdict == "derived"
    new_key(tmp_path / "k")
    signer = signer_of(str(tmp_path / "k"))
    evidence = sign(audited.result, file.read_bytes(), answers_bytes(audited.recorded), signer)
    assert verify(evidence, "evidence", repeat=True).passed


def test_detached_evidence_takes_its_files(made: tuple[Evidence, Path]) -> None:
    evidence, _ = made
    assert evidence.materials is not None
    files = evidence.materials.files()
    detached = evidence.model_copy(update={"materials": None})
    done = verify(detached, "evidence")
    assert done.passed
    assert [one.passed for one in done.checks][2:] == [None, None]
    assert not verify(detached, "evidence", repeat=True).passed
    assert verify(detached, "evidence", files=files, repeat=True).passed
    assert not verify(detached, "evidence", files=files | {ANSWERS: b"x"}, repeat=True).passed


def test_a_key_may_be_in_the_environment_or_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIRTHMARK_PASSPHRASE", "secret")
    keyid = new_key(tmp_path / "k")
    assert b"ENCRYPTED" in (tmp_path / "k").read_bytes()
    assert (tmp_path / "k").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("KEY", (tmp_path / "k").read_text())
    assert signer_of("env:KEY").public_key.keyid == keyid
    monkeypatch.delenv("BIRTHMARK_PASSPHRASE")
    with pytest.raises(BirthmarkError, match="is encrypted; set BIRTHMARK_PASSPHRASE"):
        signer_of(str(tmp_path / "k"))
    with pytest.raises(BirthmarkError, match="exists; name another file"):
        new_key(tmp_path / "k")


def test_a_key_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(BirthmarkError, match=r"owner.pub: is the name of its public half"):
        new_key(tmp_path / "owner.pub")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(BirthmarkError, match="cannot be written"):
            new_key(tmp_path / "owner.key")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


WRONG_KEYS = {
    "missing.key": "does not exist",
    "env:NOT_THERE": "is not set in the environment",
    "hsm:1?label=none": "cannot be used",
}


@pytest.mark.parametrize("spec", WRONG_KEYS)
def test_a_wrong_key_is_named(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYKCS11LIB", raising=False)
    with pytest.raises(BirthmarkError, match=WRONG_KEYS[spec]):
        signer_of(spec)


def test_what_is_no_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("no key")
    with pytest.raises(BirthmarkError, match="is not a private key in PEM form"):
        signer_of(str(tmp_path / "k"))
    with pytest.raises(BirthmarkError, match="is not a public key in PEM form"):
        public_key(b"no key", "k")


WRONG_FILES = {
    "text": (b"no json", "is not JSON"),
    "list": (b"[]", "is not evidence"),
    "deep": (b"[" * 100_000, "has too many parts"),
    "later": (b'{"format":"birthmark-evidence/2"}', "has the format birthmark-evidence/2"),
    "fields": (b'{"format":"birthmark-evidence/1"}', "missing field envelope"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_what_is_no_evidence_is_named(case: str, tmp_path: Path) -> None:
    data, said = WRONG_FILES[case]
    (tmp_path / "evidence.json").write_bytes(data)
    with pytest.raises(BirthmarkError) as error:
        read_evidence(tmp_path / "evidence.json")
    assert said in str(error.value)


def test_another_form_of_the_same_json_is_refused(
    made: tuple[Evidence, Path], tmp_path: Path
) -> None:
    fields = json.loads(made[0].to_bytes())
    file = tmp_path / "evidence.json"
    file.write_bytes(canonical_json(fields))
    read_evidence(file)
    file.write_text(json.dumps(fields))
    with pytest.raises(BirthmarkError, match="not written the way"):
        read_evidence(file)


def test_a_forged_result_is_not_signed(tmp_path: Path) -> None:
    file, audited = audited_thief(tmp_path)
    write_audit(read_bundle(file), audited, tmp_path / "audit")
    result = tmp_path / "audit" / "result.json"
    fields = json.loads(result.read_text())
    new_key(tmp_path / "k")
    unlike = fields["population"] | {"times": 1.0}
    for field, said in (("verdict", "independent"), ("prediction", None), ("population", unlike)):
        result.write_text(json.dumps(fields | {field: said}))
        with pytest.raises(BirthmarkError, match=f"does not follow from its answers .{field}"):
            sign_audit(tmp_path / "audit", file, str(tmp_path / "k"))
    assert not (tmp_path / "audit" / "evidence.json").exists()


def test_the_report_is_signed_for(tmp_path: Path) -> None:
    file, audited = audited_thief(tmp_path)
    write_audit(read_bundle(file), audited, tmp_path / "audit")
    new_key(tmp_path / "k")
    signed, _ = sign_audit(tmp_path / "audit", file, str(tmp_path / "k"))
    evidence = read_evidence(signed)
    report = (tmp_path / "audit" / "report.html").read_bytes()
    for given, passed in ((report, True), (report + b" ", False), (None, None)):
        files = {} if given is None else {REPORT: given}
        done = verify(evidence, "evidence", files=files)
        assert [one.passed for one in done.checks if one.name == REPORT] == [passed]
        assert done.passed is (passed is not False)


def test_evidence_of_an_older_version_with_other_words_is_repeated() -> None:
    files = Path(__file__).parents[1] / "files"
    evidence = read_evidence(files / "v1.evidence.json")
    given = {FINGERPRINT: (files / "v2.birthmark").read_bytes()}
    done = verify(evidence, files=given, repeat=True)
    assert done.passed
    assert done.statement is not None
    said = done.checks[-1].sentence
    assert "are those of another version (0.0.1) and were not compared. This version says: " in said
    assert "Strength: " in said
    result = done.statement.predicate.result
    bundle = read_bundle(files / "v2.birthmark")
    assert evidence.materials is not None
    recorded = read_answers(evidence.materials.files()[ANSWERS], "answers")
    again = replay(bundle, result, recorded)
    assert again.assumptions != result.assumptions
    assert not differing(result, again, 1e-6)
    same = again.model_copy(update={"libraries": result.libraries})
    assert set(differing(result, same, 1e-6)) >= {"assumptions"}
