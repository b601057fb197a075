"""`birthmark report` and `birthmark audit --pdf` as a user runs them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def run(*arguments: str, code: int = 0, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "birthmark", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_audit_and_report_again(files: Path, sealed: Path) -> None:
    pytest.importorskip("weasyprint", reason="PDFs need WeasyPrint", exc_type=ImportError)
    asked = ["audit", str(sealed), "--suspect", "suspect.onnx", "--out", "a"]
    run(*asked, "--pdf", "--json")
    assert (files / "a" / "report.pdf").read_bytes().startswith(b"%PDF-")
    names = ",".join(f"digit {i}" for i in range(10))
    again = ["report", "a", "--fingerprint", str(sealed), "--classes", names, "--json"]
    assert json.loads(run(*again).stdout)["written"] == [str(Path("a") / "report.html")]
    assert re.search(r"digit \d, .*sure", (files / "a" / "report.html").read_text("utf-8"))
    refused = run("report", "references", "--fingerprint", str(sealed), code=2)
    assert "result.json: does not exist" in refused.stderr
    assert refused.stderr.count("\n") == 1
