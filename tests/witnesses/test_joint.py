"""Up to three witnesses in one audit, one report and one piece of evidence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from birthmark.audit import testimony
from birthmark.audit.joint import joint
from birthmark.audit.verdict import Verdict
from birthmark.witnesses.joined import may_accuse

SPLIT = ["split", "--images", "images"]
ENROLL = ["enroll", "--model", "victim.onnx", "--lineage", "linear", "--images", "images"]
ENROLL += ["--references", "references", "--start", "random", "-n", "60"]


def run(*arguments: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "birthmark", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return " ".join((done.stdout + done.stderr).split())


def test_three_witnesses_from_audit_to_evidence(files: Path) -> None:
    """These models have one layer each, so their weights can say nothing, and count as asked."""
    run(*SPLIT, "--seed-file", "secret", "--out", "plan")
    run(*ENROLL, "--split", "plan", "--out", "v.birthmark")
    line = "audit v.birthmark --suspect suspect.onnx --victim-file victim.onnx --split plan"
    line += " --split-images images --out a"
    said = run(*line.split())
    assert "3 witnesses were asked" in said
    assert "can't be compared" in said
    result = json.loads((files / "a" / "result.json").read_text())
    assert result["joint"]["asked"] == 3
    assert result["alpha"] == 0.01 / 3
    assert [one["witness"] for one in result["witnesses"]] == ["weights", "shuffled"]
    report = (files / "a" / "report.html").read_text()
    assert "Other witnesses" in report
    assert "What was shuffled before training" in report
    run("key", "owner.key")
    run(*["sign", "a", "--fingerprint", "v.birthmark", "--key", "owner.key"])
    said = run(*["verify", "a/evidence.json", "--replay", "--key", "owner.pub"])
    assert "It was not asked again; `birthmark weights` does" in said
    result["joint"]["verdict"] = "independent"
    (files / "a" / "result.json").write_text(json.dumps(result))
    (files / "a" / "evidence.json").unlink()
    said = run(*["sign", "a", "--fingerprint", "v.birthmark", "--key", "owner.key"], code=2)
    assert "does not follow from its answers (joint)" in said

    line = line.replace("--out a", "--out b")
    assert "is not the file that was enrolled" in run(
        *line.replace("file victim.onnx", "file other.onnx").split(),
        code=2,
    )
    run(*SPLIT, "--seed-file", "another", "--out", "plan2")
    assert "is not the plan that was enrolled" in run(
        *line.replace("split plan", "split plan2").split(), code=2
    )


def test_who_may_accuse() -> None:
    """A common checkpoint would explain alike weights; a witness without a word accuses nobody."""
    sure = testimony.Testimony(
        witness="weights",
        sentence="",
        p_value=1e-20,
        exact=True,
        measured=[],
        assumes=[],
        cannot_tell=[],
        sources={},
    )
    mute = sure.model_copy(update={"p_value": None})
    assert joint(Verdict.INDEPENDENT, [sure], 0.01, [True]).verdict is Verdict.DERIVED
    assert joint(Verdict.INDEPENDENT, [sure], 0.01, [False]).verdict is Verdict.INDEPENDENT
    assert joint(Verdict.INCONCLUSIVE, [mute], 0.01, [True]).verdict is Verdict.INCONCLUSIVE
    assert not may_accuse(sure)
    assert may_accuse(sure.model_copy(update={"sources": {"init": "sha256:" + 64 * "0"}}))
    assert may_accuse(sure.model_copy(update={"witness": "shuffled"}))
