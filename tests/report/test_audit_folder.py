"""A report again from what an audit left behind, and as PDF."""

from __future__ import annotations

import json
import re
import shutil
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

import world
from birthmark import BirthmarkError, Fingerprint
from birthmark.audit.answers import Recorded, answers_bytes, read_answers
from birthmark.models.adapters.base import Answered
from birthmark.report.contributions import contributions
from birthmark.report.folder import read_audit, write_audit, write_report
from birthmark.report.pdf import pdf_of


@pytest.fixture(scope="module")
def written(fingerprint: Fingerprint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audits") / "a"
    suspect = world.as_digits(world.thief(), name="thief")
    write_audit(fingerprint.bundle, fingerprint.audit_with_answers(suspect), folder)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    shutil.copytree(written, tmp_path / "a")
    return tmp_path / "a"


def test_the_same_report_comes_out(fingerprint: Fingerprint, folder: Path) -> None:
    first = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    audited = read_audit(fingerprint.bundle, fingerprint.seal, folder)
    assert write_report(fingerprint.bundle, audited, folder) == [folder / "report.html"]
    assert (folder / "report.html").read_bytes() == first
    write_report(fingerprint.bundle, audited, folder, classes=[f"digit {i}" for i in range(10)])
    assert re.search(r"digit \d, .*sure", (folder / "report.html").read_text("utf-8"))


def altered(folder: Path, name: str) -> str:
    """Spoil the folder in one way, and tell what is said of it."""
    file = folder / "result.json"
    fields = json.loads(file.read_text())
    if name == "no result":
        file.unlink()
        return "result.json: does not exist"
    if name == "no answers":
        (folder / "answers.safetensors").unlink()
        return "answers.safetensors: does not exist"
    if name == "other answers":
        file = folder / "answers.safetensors"
        recorded = read_answers(file.read_bytes(), "answers")
        recorded.given.outputs.values[0] += np.float32(1)
        file.write_bytes(answers_bytes(recorded))
        return "are not the answers that result.json names"
    said = {
        "no JSON": "Invalid JSON",
        "verdict": "verdict should be",
        "score": "does not follow from its answers",
        "p": "does not follow from its answers",
        "reference": "does not follow from its answers",
        "assumption": r"does not follow from its answers \(assumptions\)",
        "control": r"does not follow from its answers \(controls\)",
        "fingerprint": "belongs to another fingerprint",
        "method": "belongs to another fingerprint",
    }
    if name == "verdict":
        fields["verdict"] = "guilty"
    elif name == "score":
        fields["score"] += 0.01
    elif name == "p":
        fields["p_value"] = 0.001
    elif name == "reference":
        fields["references"][3]["score"] += 0.01
    elif name == "assumption":
        fields["assumptions"].pop()
    elif name == "control":
        fields["controls"]["close_to"] += 1
    elif name == "fingerprint":
        fields["fingerprint"] = "sha256:" + "0" * 64
    elif name == "method":
        fields["method"] = "sac-cosine-l1@natural"
    file.write_text("{" if name == "no JSON" else json.dumps(fields))
    return said[name]


CASES = ["no result", "no answers", "other answers", "no JSON", "verdict", "score", "p"]
CASES += ["reference", "assumption", "control", "fingerprint", "method"]


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_belong_together_is_refused(
    name: str, fingerprint: Fingerprint, folder: Path
) -> None:
    said = altered(folder, name)
    with pytest.raises(BirthmarkError, match=said):
        read_audit(fingerprint.bundle, fingerprint.seal, folder)


def unpacked(pdf: bytes) -> bytes:
    """What its object streams hold."""
    streams = re.findall(rb"/ObjStm.*?stream\n(.*?)\nendstream", pdf, re.DOTALL)
    return b"".join(zlib.decompress(stream) for stream in streams)


def test_pdf(fingerprint: Fingerprint, folder: Path) -> None:
    pytest.importorskip("weasyprint", reason="PDFs need WeasyPrint", exc_type=ImportError)
    audited = read_audit(fingerprint.bundle, fingerprint.seal, folder)
    written = write_report(fingerprint.bundle, audited, folder, pdf=True)
    assert [file.name for file in written] == ["report.html", "report.pdf"]
    content = written[1].read_bytes()
    assert content.startswith(b"%PDF-")
    told = unpacked(content)
    assert b"/StructTreeRoot" in told
    assert b"/Lang (en)" in told
    assert content.count(b"/Subtype /Image") >= 5


def test_a_pdf_fetches_nothing(tmp_path: Path) -> None:
    pytest.importorskip("weasyprint", reason="PDFs need WeasyPrint", exc_type=ImportError)
    from PIL import Image

    Image.new("RGB", (30, 30)).save(tmp_path / "secret.png")
    address = (tmp_path / "secret.png").as_uri()
    content = pdf_of(f'<html lang="en"><title>t</title><img src="{address}" alt="a">x</html>')
    assert content.startswith(b"%PDF-")
    assert b"/Subtype /Image" not in content


def test_without_weasyprint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(BirthmarkError, match=r"pdf=True: needs WeasyPrint; run `pip install"):
        pdf_of("<p>")


def test_refused_probes_keep_the_others_in_their_places(
    fingerprint: Fingerprint, tmp_path: Path
) -> None:
    victim = fingerprint.bundle.victim
    answered = [i for i in range(len(victim)) if i != 3]
    recorded = Recorded(Answered(victim.at(answered), {3: "no"}))
    (tmp_path / "some.safetensors").write_bytes(answers_bytes(recorded))
    audited = fingerprint.audit_with_answers(tmp_path / "some.safetensors")
    assert audited.result.refused == 1
    write_audit(fingerprint.bundle, audited, tmp_path / "a")
    again = read_audit(fingerprint.bundle, fingerprint.seal, tmp_path / "a")
    assert dict(again.refused).keys() == {3}
    found = contributions(fingerprint.bundle, again)
    assert found is not None
    assert found.probes == len(victim) - 1
    for one in found.speak_for:
        assert one.place != 3
        assert one.images[0] == fingerprint.probes[one.place]
        assert one.answers[0].predicted == victim.predicted()[one.place]
