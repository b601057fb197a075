"""Served models are audited over loopback as their files are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import pairs_world
import world
from birthmark import Fingerprint, Result, Suspect
from birthmark.serving.app import application
from birthmark.serving.model import Served
from birthmark.serving.server import address, listening, server
from waiting import PATIENCE, wait_until

TEMPLATE = """format = "birthmark-api/1"
url = "{url}/v1/compare"

[image]
form = "multipart"
field = "image1"
second = "image2"

[answer]
kind = "{kind}"
path = "$.{kind}"
"""


@contextmanager
def serving(suspect: Suspect, **options: Any) -> Iterator[str]:
    served = Served(suspect, "digits", threshold=0.6)
    with listening("127.0.0.1", 0) as one:
        running = server(application(served, **options))
        thread = threading.Thread(target=lambda: running.run(sockets=[one]), daemon=True)
        thread.start()
        try:
            yield address(one)
        finally:
            running.should_exit = True
            thread.join(10)


def stats(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/stats") as reply:
        said: dict[str, Any] = json.load(reply)
        return said


def audited(fingerprint: Path, suspect: str, out: Path, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "birthmark", "audit", str(fingerprint), "--suspect", suspect]
    command += ["--out", str(out), "--lineage", "linear", "--json", "--repeats", "0", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@cache
def own_result(sealed: Path) -> Result:
    return Fingerprint.open(sealed).audit(world.as_digits(world.thief(), lineage="linear"))


@pytest.mark.parametrize(
    ("name", "declared", "fail"),
    [
        ("digits", [*world.DECLARING, "--layout", "flat"], 0.2),
        ("digits-files", ["--output", "logits"], 0.0),
    ],
)
def test_a_served_model_gets_its_files_verdict(
    name: str, declared: list[str], fail: float, sealed: Path, tmp_path: Path
) -> None:
    thief = world.as_digits(world.thief(), name="thief", lineage="linear")
    own = own_result(sealed)
    with serving(thief, fail=fail) as url:
        result = audited(sealed, f"{url}/v2/models/{name}", tmp_path / "out", *declared)
        counted = stats(url)
    assert result["verdict"] == own.verdict == "derived"
    assert result["p_value"] == pytest.approx(own.p_value, rel=1e-4)
    assert result["score"] == pytest.approx(own.score, abs=1e-6)
    assert counted["answered"] == counted["different"] == 40
    assert counted["calls"] == 40 + counted["failed"]
    assert (counted["failed"] > 0) is bool(fail)


@pytest.mark.parametrize("kind", ["similarity", "match"])
def test_a_face_service_is_audited_by_pairs(kind: str, tmp_path: Path) -> None:
    fingerprint = pairs_world.fingerprint()
    fingerprint.save(tmp_path / "v.birthmark")
    thief = pairs_world.embedding(world.thief())
    pairs = (60 - pairs_world.M) * pairs_world.M
    with serving(thief) as url:
        (tmp_path / "faces.api.toml").write_text(TEMPLATE.format(url=url, kind=kind))
        template, out = str(tmp_path / "faces.api.toml"), tmp_path / "out"
        if kind == "match":
            plan = audited(tmp_path / "v.birthmark", template, out, "--dry-run")
            assert (plan["calls"], stats(url)["calls"]) == (pairs, 0)
        result = audited(tmp_path / "v.birthmark", template, out)
        counted = stats(url)
    assert counted["answered"] == counted["different"] == pairs
    assert result["verdict"] == "derived"
    if kind == "match":
        assert result["answers"] == pairs_world.audited().result.answers
    assert result["compared_as"] == "similarities"


def test_the_command_prints_its_address_and_ends_on_a_signal(files: Path) -> None:
    command = [sys.executable, "-m", "birthmark", "serve", "suspect.onnx", "--name", "digits"]
    running = subprocess.Popen(
        command,
        cwd=files,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        assert running.stdout is not None
        said = running.stdout.readline()
        url = said.split(" at ")[1].split("/v2")[0]
        wait_until(lambda: answers(url))
        assert stats(url)["calls"] == 0
    finally:
        running.terminate()
        _, errors = running.communicate(timeout=PATIENCE)
    assert "Traceback" not in errors


def answers(url: str) -> bool:
    try:
        stats(url)
    except OSError:
        return False
    return True


def test_an_address_that_cannot_be_had_is_told(files: Path) -> None:
    with listening("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "birthmark", "serve", "suspect.onnx", "--port", port]
        done = subprocess.run(command, cwd=files, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cannot be used" in done.stderr
